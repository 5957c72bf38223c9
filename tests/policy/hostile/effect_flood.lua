-- A flow that asks for effects without an end.
-- when: call
-- seen: flow_failed
-- says: it asked for more than 1000 effects in one run
api(1)

every("1s", "attack", function(flow)
  while true do flow.emit("flood", { x = 1 }) end
end)
