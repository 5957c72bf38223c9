-- Loops in a to-be-closed variable, which runs when the limit has ended the function.
-- when: call
-- seen: hook_failed
-- says: "attack" has used its \d+ ms
-- endless: yes
api(1)

on.reconnect("attack", function()
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  while true do end
  return guard
end)
