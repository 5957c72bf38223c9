-- A transform that returns far more than a message may hold.
-- when: call
-- seen: hook_failed
-- says: large_answer.lua:7: returned what cannot be sent: more than 256 KiB
api(1)

on.redact("attack", function(text)
  return text .. string.rep("x", 5 << 20)
end)
