-- A file of 100 MB.
-- when: load
-- line: 0
-- make: pad 100000000
-- says: is larger than 1 MiB: no hook needs that
api(1)
