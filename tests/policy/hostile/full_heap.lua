-- Fills the heap to the last byte with ever smaller blocks and keeps them, so that the host itself finds nothing.
-- when: call
-- seen: hook_failed
-- says: not enough memory|has used its
-- endless: yes
api(1)

local kept = {}
local function fill(size)
  while pcall(function() kept = { kept, string.rep("x", size) } end) do end
end

on.reconnect("attack", function()
  fill(1 << 23)
  fill(1 << 18)
  fill(1 << 14)
  fill(1 << 10)
  fill(48)
  while true do kept = { kept } end
end)
