-- Who gets what: critical to the pager, high to the team, the rest to the log channel. The names are those of
-- `notify.senders` in the configuration; one that is not there is passed over, and when none is left, the senders' own
-- rules hold.
api(1)

local ROUTES = { critical = { "pager", "team" }, high = { "team" }, low = { "log" }, info = { "log" } }

on.notification("route-by-severity", function(notice, ctx)
  local known = {}
  for _, name in ipairs(ctx.sender_names) do known[name] = true end
  local chosen = {}
  for _, name in ipairs(ROUTES[notice.severity] or {}) do
    if known[name] then chosen[#chosen + 1] = name end
  end
  if #chosen > 0 then notice.senders = chosen end
  return notice
end)
