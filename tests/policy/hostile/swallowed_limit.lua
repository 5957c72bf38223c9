-- Swallows the gentle limit's error with pcall and goes on.
-- when: call
-- seen: hook_struck
-- says: it was not answered within
-- endless: yes
api(1)

on.reconnect("attack", function()
  while true do
    pcall(function() while true do end end)
  end
end)
