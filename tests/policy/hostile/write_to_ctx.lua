-- Writes to ctx.
-- when: call
-- seen: hook_failed
-- says: ctx cannot be written to: a hook answers with a verdict
api(1)

on.reconnect("attack", function(ctx)
  ctx.attempts = 0
end)
