-- Shipped with fairlead. A service that fails its health check right after a long good time is given one more minute
-- before its tunnel is called degraded: a restart of the service is not worth a message in the night.
--
-- Not what you want? Write a hook `health` of your own, which is asked first, or `off("one-more-minute")`.
api(1)

on.health("one-more-minute", function(ctx)
  if ctx.held_for == 0 and ctx.check.good_for >= 600 then
    return ctx.hold("1m", "it was well for " .. ctx.check.good_for // 60 .. " minutes: perhaps a restart")
  end
end)
