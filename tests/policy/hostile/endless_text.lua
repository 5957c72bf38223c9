-- An error value whose conversion to a text never ends.
-- when: call
-- seen: hook_failed|hook_struck
-- says: an error value that is no text \(table\)
api(1)

on.reconnect("attack", function()
  error(setmetatable({}, { __tostring = function() while true do end end }))
end)
