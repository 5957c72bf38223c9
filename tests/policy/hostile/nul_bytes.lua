-- Hides text behind NUL bytes.
-- when: load
-- line: 0
-- make: nul
-- says: holds NUL bytes: hooks are text
api(1)
