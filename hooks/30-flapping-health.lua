-- A health check that flaps: its failures count only when they have lasted for five minutes. Name the tunnels that may.
api(1)

local FLAPPING = { ["state-hub"] = true }
local PATIENCE = 300 -- seconds

on.health("ignore-flapping", function(ctx)
  if not FLAPPING[ctx.tunnel.name] then return nil end -- no opinion: the next hook is asked
  if ctx.held_for < PATIENCE then
    return ctx.hold(PATIENCE - ctx.held_for, "its check flaps: " .. ctx.check.failures .. " failures so far")
  end
  return ctx.degraded("it has failed for " .. PATIENCE // 60 .. " minutes")
end)
