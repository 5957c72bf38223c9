-- Assigns a global at the top level: every file has its own environment, and nothing is shared by accident.
-- when: load
-- line: 6
-- says: assignment to the undeclared global `patience`: write `local patience`
api(1)
patience = 5
