-- Patience by host: how long a tunnel waits before it tries its server again. A server that is not named here keeps the
-- tunnel's own backoff.
--
-- No hook makes a tunnel try sooner than its `backoff_initial`, whatever stands here.
api(1)

local PATIENCE = {
  ["lab.example.net"] = "5m", -- switched off at night: no hurry
  ["billed.example.net"] = "1h", -- each connection costs money
}

on.reconnect("patience-by-host", function(ctx)
  local delay = PATIENCE[ctx.tunnel.host]
  -- Right after a loss it is worth one quick attempt.
  if delay and ctx.attempts > 0 then return ctx.after(delay) end
end)
