-- Builds by hand what a verdict looks like on the wire.
-- when: call
-- seen: hook_failed
-- says: forged_verdict.lua:7: returned table, not a verdict
api(1)

on.reconnect("attack", function()
  return { verdict = "stop", why = "forged" }
end)
