-- Keeps a ctx and reads it in a later call, when what it stands for is gone.
-- when: call
-- seen: hook_failed
-- says: this ctx is over: it can be used only inside the call that it was made for
api(1)

local kept

on.reconnect("attack", function(ctx)
  kept = kept or ctx.tunnel
  if kept.name then return nil end
end)
