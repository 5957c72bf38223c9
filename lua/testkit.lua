-- What hook tests have as `kit`: they fire events at the very hooks that a daemon would load, with a clock, contexts and
-- answers of their own. fairlead gives this file the functions host_test, host_fire, host_flows, host_flow_start,
-- host_flow_resume, host_seconds and host_check_answers (src/host/test_bench.hpp), and tests get what it returns.
local kit = {}

local clock = { unix = 0 }

-- Days since 1970 of a date (Howard Hinnant's days_from_civil), and back.
local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468
end

local function date_of(days)
  days = days + 719468
  local era = days // 146097
  local day_of_era = days - era * 146097
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

local function set_clock(unix)
  local days, seconds = math.tointeger(unix // 86400), unix % 86400
  local year, month, day = date_of(days)
  local weekday = (days + 3) % 7 + 1
  clock = {
    unix = unix, year = year, month = month, day = day,
    hour = math.tointeger(seconds // 3600), minute = math.tointeger(seconds % 3600 // 60),
    weekday = weekday, weekend = weekday >= 6,
    iso = string.format("%04d-%02d-%02dT%02d:%02d:%02d.000Z", year, month, day, math.tointeger(seconds // 3600),
      math.tointeger(seconds % 3600 // 60), math.tointeger(seconds % 60)),
  }
end
set_clock(days_of(2026, 3, 2) * 86400 + 12 * 3600)

local function seconds_of(duration)
  return type(duration) == "string" and host_seconds(duration) or duration
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, member in pairs(value) do out[key] = copy(member) end
  return out
end

-- Tests ------------------------------------------------------------------------------------------------------------

-- kit.test("name", function() … end): one test; it fails with the first error in it.
function kit.test(name, run)
  host_test(name, 0, run)
end

local function show(value, indent)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return tostring(value) end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local lines = {}
  for _, key in ipairs(keys) do
    lines[#lines + 1] = indent .. "  " .. tostring(key) .. " = " .. show(value[key], indent .. "  ")
  end
  return #lines == 0 and "{}" or "{\n" .. table.concat(lines, "\n") .. "\n" .. indent .. "}"
end

local function differences(got, want, path, out)
  if type(got) ~= "table" or type(want) ~= "table" then
    if got ~= want then out[#out + 1] = path .. ": got " .. show(got, "") .. ", wanted " .. show(want, "") end
    return out
  end
  for key in pairs(want) do differences(got[key], want[key], path .. "." .. tostring(key), out) end
  for key in pairs(got) do
    if want[key] == nil then
      out[#out + 1] = path .. "." .. tostring(key) .. ": got " .. show(got[key], "") .. ", wanted nothing"
    end
  end
  return out
end

-- kit.same(got, want): deep comparison; the message names every difference.
function kit.same(got, want)
  local found = differences(got, want, "value", {})
  if #found > 0 then error(table.concat(found, "; "), 2) end
end

function kit.is_true(value, what)
  if not value then error(what or "wanted something true, got " .. tostring(value), 2) end
end

-- kit.fails(function, "part of the message"): the function must fail so.
function kit.fails(run, part)
  local fine, message = pcall(run)
  if fine then error("wanted an error, there was none", 2) end
  if part and not string.find(tostring(message), part, 1, true) then
    error("wanted an error with " .. show(part, "") .. ", got " .. show(tostring(message), ""), 2)
  end
end

-- The clock ----------------------------------------------------------------------------------------------------------

-- kit.clock("2026-03-01 03:30"): what hooks see as the time from now on.
function kit.clock(text)
  local found = { string.match(tostring(text), "^(%d%d%d%d)-(%d%d?)-(%d%d?)[ T](%d%d?):(%d%d)$") }
  if #found == 0 then error("kit.clock wants \"2026-03-01 03:30\", got " .. show(text, ""), 2) end
  for i, digits in ipairs(found) do found[i] = tonumber(digits, 10) end
  local year, month, day, hour, minute = table.unpack(found)
  -- A day that is not in the calendar comes back as another one.
  local days = days_of(year, month, day)
  local same_year, same_month, same_day = date_of(days)
  if same_year ~= year or same_month ~= month or same_day ~= day then
    error(string.format("kit.clock: there is no day %04d-%02d-%02d", year, month, day), 2)
  end
  if hour > 23 or minute > 59 then error(string.format("kit.clock: there is no time %02d:%02d", hour, minute), 2) end
  set_clock(days * 86400 + hour * 3600 + minute * 60)
end

-- Events -------------------------------------------------------------------------------------------------------------

local function fire(event, ctx, value)
  local context = copy(ctx or {})
  context.clock = context.clock or clock
  local reply = host_fire(event, context, value)
  if reply.failed and reply.failed[1] then error(reply.failed[1].message, 3) end
  return reply
end

-- kit.fire("reconnect", {tunnel = {name = "a"}}): the verdict as a table {verdict = "after", delay = 5} and the name of
-- the hook that gave it; nil when no hook had an opinion. Fields that no hook reads may be left out.
function kit.fire(event, ctx)
  local reply = fire(event, ctx)
  return reply.verdict, reply.hook
end

-- kit.transform("notification", {title = "…"}, ctx): what the hooks make of the value; nil: nothing is left of it.
function kit.transform(event, value, ctx)
  return fire(event, ctx, value).value
end

-- Flows --------------------------------------------------------------------------------------------------------------

-- kit.run("disk-report", answers): runs a flow to its end. `answers` maps an effect to its answer, or to a function of
-- its arguments that returns the answer, or nil and a message; sleep moves the clock. Returns the effects in order, each
-- {effect = "http", arguments = {…}}.
function kit.run(name, answers)
  answers = answers or {}
  host_check_answers(answers)
  local effects = {}
  local step = host_flow_start(name, clock)
  while step.effect do
    effects[#effects + 1] = { effect = step.effect, arguments = step.arguments }
    if #effects > 1000 then error("the flow asks for more than 1000 effects", 2) end
    local answer, message = answers[step.effect], nil
    if type(answer) == "function" then answer, message = answer(step.arguments) end
    if step.effect == "sleep" then set_clock(clock.unix + seconds_of(step.arguments.time)) end
    step = host_flow_resume(step.id, clock, answer, message)
  end
  if step.failed then error(step.failed, 2) end
  return effects
end

-- kit.advance("10m", answers): moves the clock and runs every flow that falls due, in order of time. Returns a list of
-- {name = "disk-report", effects = {…}}.
function kit.advance(duration, answers)
  host_check_answers(answers or {})
  local ends, runs, due = clock.unix + seconds_of(duration), {}, {}
  for _, flow in ipairs(host_flows()) do
    due[#due + 1] = { name = flow.name, every = flow.seconds, at = clock.unix + flow.seconds }
  end
  while true do
    local next_one
    for _, flow in ipairs(due) do
      if flow.at <= ends and (not next_one or flow.at < next_one.at) then next_one = flow end
    end
    if not next_one then break end
    set_clock(math.max(clock.unix, next_one.at))
    runs[#runs + 1] = { name = next_one.name, effects = kit.run(next_one.name, answers) }
    next_one.at = next_one.at + next_one.every
  end
  set_clock(math.max(clock.unix, ends))
  return runs
end

return kit
