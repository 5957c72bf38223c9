-- Quiet hours: between 22:00 and 7:00, and at the weekend, only what is critical is sent.
--
-- Copy it into your policy folder and change the hours. What is kept quiet is still in the log, in `fairlead status`
-- and in the journal.
api(1)

local FROM, TO = 22, 7 -- local time of this machine

on.notification("quiet-hours", function(notice, ctx)
  local quiet = ctx.clock.weekend or ctx.clock.hour >= FROM or ctx.clock.hour < TO
  if quiet and notice.severity ~= "critical" then return nil end
  return notice
end)
