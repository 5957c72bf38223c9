-- Grows a table until the heap is full, and keeps it: the heap stays full for all that comes after.
-- when: call
-- seen: hook_failed
-- says: not enough memory|has used its
-- endless: yes
api(1)

local kept = {}

on.reconnect("attack", function()
  while true do kept[#kept + 1] = string.rep("x", 1000) .. #kept end
end)
