-- Loops. The gentle limit ends it with file and line.
-- when: call
-- seen: hook_failed
-- says: infinite_loop.lua:9: "attack" has used its \d+ ms
-- endless: yes
api(1)

on.reconnect("attack", function()
  while true do end
end)
