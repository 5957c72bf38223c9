-- A digest instead of a storm: what is neither high nor critical is collected, and sent as one message every half hour.
--
-- The list lives in this file's variable: a reload or a restart begins it anew.
api(1)

local MOST = 50 -- titles in one digest
local waiting, more = {}, 0

on.notification("digest", function(notice)
  if notice.severity == "high" or notice.severity == "critical" then return notice end
  if notice.event == "hook_notice" then return notice end -- the digest itself, and other flows
  if #waiting < MOST then waiting[#waiting + 1] = notice.title else more = more + 1 end
  return nil
end)

every("30m", "send-digest", function(flow)
  if #waiting == 0 then return end
  local titles, left = waiting, more
  waiting, more = {}, 0
  if left > 0 then titles[#titles + 1] = "and " .. left .. " more" end
  flow.notify { title = #titles .. " messages in the last half hour", text = table.concat(titles, "\n"), subject = "digest" }
end)
