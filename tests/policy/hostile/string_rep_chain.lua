-- Keeps C functions busy with large strings: few instructions, so that the count hook hardly ever looks.
-- when: call
-- seen: hook_struck
-- says: it was not answered within
-- endless: yes
api(1)

on.reconnect("attack", function()
  while true do
    for _ = 1, 1000 do string.rep("x", 8 << 20):reverse():upper() end
  end
end)
