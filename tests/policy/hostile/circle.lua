-- An event with a table that holds itself.
-- when: call
-- seen: flow_failed
-- says: tables are nested more than 16 deep, or in a circle
api(1)

every("1s", "attack", function(flow)
  local circle = {}
  circle.circle = circle
  flow.emit("circle", circle)
end)
