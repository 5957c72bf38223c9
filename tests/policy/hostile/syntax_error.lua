-- Is not Lua.
-- when: load
-- line: 6
-- says: syntax error near 'true'
api(1)
iff true then end
