-- A coroutine that was made while the file loaded loops when a hook resumes it.
-- when: call
-- seen: hook_failed
-- says: "attack" has used its \d+ ms|attack.*cannot resume dead coroutine
-- endless: yes
api(1)

local looping = coroutine.wrap(function()
  coroutine.yield()
  while true do end
end)
looping()

on.reconnect("attack", function()
  return looping()
end)
