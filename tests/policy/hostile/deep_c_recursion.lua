-- Recurses through a C function, where the stack is the machine's.
-- when: call
-- seen: hook_failed
-- says: C stack overflow|stack overflow|error in error handling
api(1)

local function deeper()
  return (string.gsub("x", "x", deeper))
end

on.reconnect("attack", function()
  return deeper()
end)
