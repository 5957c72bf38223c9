-- Registers another hook from inside a call.
-- when: call
-- seen: hook_failed
-- says: hooks are registered while a hook file loads, not later
api(1)

on.reconnect("attack", function()
  on.reconnect("another", function() end)
end)
