-- Puts a metatable of its own on ctx.
-- when: call
-- seen: hook_failed
-- says: bad argument #1 to 'setmetatable' \(table expected, got
api(1)

on.reconnect("attack", function(ctx)
  setmetatable(ctx, { __index = function() return "free" end })
end)
