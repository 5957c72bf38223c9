-- Answers with a text instead of a verdict.
-- when: call
-- seen: hook_failed
-- says: wrong_verdict.lua:7: returned string, not a verdict: use ctx.after\(
api(1)

on.reconnect("attack", function()
  return "stop"
end)
