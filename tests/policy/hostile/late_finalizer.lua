-- Adds the finalizer after the metatable was set: Lua never calls that one. Then it makes garbage.
-- when: call
-- seen: hook_failed
-- says: late_finalizer.lua:\d+: the end was reached
api(1)

on.reconnect("attack", function()
  for _ = 1, 500 do
    local meta = {}
    setmetatable({}, meta)
    meta.__gc = function() while true do end end
  end
  error("the end was reached")
end)
