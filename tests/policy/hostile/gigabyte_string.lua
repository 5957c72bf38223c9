-- Wants a string of 1 GiB.
-- when: call
-- seen: hook_failed
-- says: not enough memory
api(1)

on.reconnect("attack", function()
  return string.rep("x", 1 << 30)
end)
