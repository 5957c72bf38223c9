-- A flow that swallows its limit and never comes back: no flow may stop the others' decisions.
-- when: call
-- seen: hook_struck
-- says: it was not answered within
-- endless: yes
api(1)

every("1s", "attack", function()
  while true do
    pcall(function() while true do end end)
  end
end)
