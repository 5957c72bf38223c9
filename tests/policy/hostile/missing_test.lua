-- A test of a hook that nobody has registered.
-- when: load
-- as: tests/missing.lua
-- line: 0
-- says: test "quiet" fails: .*wanted something true
kit.test("quiet", function()
  kit.is_true(kit.fire("health", { held_for = 3600 }))
end)
