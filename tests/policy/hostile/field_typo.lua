-- Reads a field that the event does not have.
-- when: call
-- seen: hook_failed
-- says: field_typo.lua:8: `tunel` is no field of the ctx of reconnect; did you mean `tunnel`\?
api(1)

on.reconnect("attack", function(ctx)
  return ctx.tunel.name == "victim" and ctx.stop("no")
end)
