-- Wants a finalizer, which would run outside of every limit.
-- when: load
-- line: 6
-- says: hooks have no finalizers: remove __gc
api(1)
setmetatable({}, { __gc = function() while true do end end })
