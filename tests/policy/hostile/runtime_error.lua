-- Fails while it loads.
-- when: load
-- line: 6
-- says: attempt to index a nil value \(local 'nothing'\)
api(1) local nothing
local _ = nothing.field
