-- Never ends its top level.
-- when: load
-- line: 7
-- endless: yes
-- says: "[^"]*load_loop.lua" has used its 500 ms
api(1)
while true do end
