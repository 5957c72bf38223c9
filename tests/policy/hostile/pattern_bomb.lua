-- A pattern that backtracks for years, inside one call of string.find.
-- when: call
-- seen: hook_struck
-- says: it was not answered within
-- endless: yes
api(1)

on.reconnect("attack", function()
  return string.find(string.rep("a", 60), string.rep("a?", 60) .. string.rep("a", 60) .. "b")
end)
