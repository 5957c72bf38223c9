-- Coroutines that make coroutines, each with a counter of instructions of its own.
-- when: call
-- seen: hook_failed|hook_struck
-- says: coroutine_bomb.lua:\d+: |it was not answered within
-- endless: yes
api(1)

local function bomb(depth)
  while true do
    coroutine.wrap(function()
      for _ = 1, 50 do end
      if depth < 150 then bomb(depth + 1) end
    end)()
  end
end

on.reconnect("attack", function()
  bomb(1)
end)
