-- A flow that runs what the configuration does not allow.
-- when: call
-- seen: flow_failed
-- says: effect_denied.lua:8: .*policy.allow
api(1)

every("1s", "attack", function(flow)
  flow.exec { argv = { "/bin/sh", "-c", "touch /tmp/fairlead-hostile" } }
end)
