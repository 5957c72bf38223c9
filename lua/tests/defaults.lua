-- Tests of the hooks that are shipped with fairlead (lua/defaults).
kit.test("a check that was well for ten minutes is given one more", function()
  local function asked(good_for, held_for)
    return kit.fire("health", { check = { good_for = good_for }, held_for = held_for })
  end
  kit.same(asked(600, 0).verdict, "hold")
  kit.same(asked(600, 0).time, 60)
  kit.same(asked(599, 0), nil)
  kit.same(asked(600, 60), nil) -- once only
end)
