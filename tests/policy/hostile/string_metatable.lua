-- Reaches for the metatable that all strings share.
-- when: load
-- line: 6
-- says: `getmetatable` is no global of hooks; did you mean `setmetatable`\?
api(1)
getmetatable("").__index = function() end
