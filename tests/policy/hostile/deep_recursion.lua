-- Recurses without an end.
-- when: call
-- seen: hook_failed
-- says: stack overflow|not enough memory|deep_recursion.lua:9: "attack" has used its \d+ ms
-- endless: yes
api(1)

local function deeper(n)
  return 1 + deeper(n + 1)
end

on.reconnect("attack", function()
  return deeper(1)
end)
