-- Fills the log.
-- when: call
-- seen: hook_log
-- says: more lines than a call may log: the rest is dropped
-- endless: yes
api(1)

on.reconnect("attack", function()
  for i = 1, 1000000 do log("flood", i, string.rep("x", 2000)) end
end)
