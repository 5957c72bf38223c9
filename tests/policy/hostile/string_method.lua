-- Replaces a function of the string library: its own copy, which no other file sees. Then it writes to a string.
-- when: load
-- line: 7
-- says: attempt to index a string value
api(1)
string.rep = function() while true do end end
("x").rep = string.rep
