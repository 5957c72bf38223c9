-- Fails when it is asked.
-- when: call
-- seen: hook_failed
-- says: runtime_error_in_call.lua:8: attempt to perform arithmetic on a nil value
api(1)

on.reconnect("attack", function(ctx)
  return ctx.after(nil + 1)
end)
