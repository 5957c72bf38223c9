-- Tests of the examples. Copy those of the hooks that you copy.
local function notice(severity, title, event)
  return { event = event or "tunnel_failed", subject = "hub", severity = severity, title = title or "t", text = "", senders = {} }
end

-- One hook at a time: the weekday noon of kit is outside of the quiet hours.
kit.test("quiet hours keep all but critical messages", function()
  kit.clock("2026-03-03 23:30")
  kit.same(kit.transform("notification", notice("high"), { sender_names = {} }), nil)
  kit.same(kit.transform("notification", notice("critical"), { sender_names = {} }).severity, "critical")
  kit.clock("2026-03-03 07:00")
  kit.is_true(kit.transform("notification", notice("high"), { sender_names = {} }))
  kit.clock("2026-03-07 12:00") -- a Saturday
  kit.same(kit.transform("notification", notice("high"), { sender_names = {} }), nil)
end)

kit.test("hosts have their own patience", function()
  local function after(host, attempts)
    return kit.fire("reconnect", { tunnel = { host = host }, attempts = attempts })
  end
  kit.same(after("lab.example.net", 2), { verdict = "after", delay = 300 })
  kit.same(after("lab.example.net", 0), nil)
  kit.same(after("other.example.net", 9), nil)
end)

kit.test("a flapping check is ignored for five minutes", function()
  local function asked(name, held)
    return kit.fire("health", { tunnel = { name = name }, check = { failures = 2, good_for = 0 }, held_for = held })
  end
  kit.same(asked("state-hub", 0).time, 300)
  kit.same(asked("state-hub", 240).time, 60)
  kit.same(asked("state-hub", 300).verdict, "degraded")
  kit.same(asked("other", 0), nil)
end)

kit.test("messages go where their severity says, if that sender is there", function()
  kit.clock("2026-03-03 12:00")
  local sent = kit.transform("notification", notice("critical"), { sender_names = { "pager", "log" } })
  kit.same(sent.senders, { "pager" })
  kit.same(kit.transform("notification", notice("high"), { sender_names = { "mail" } }).senders, {})
end)

kit.test("the digest collects what can wait", function()
  kit.clock("2026-03-03 12:00")
  kit.same(kit.transform("notification", notice("low", "first"), { sender_names = {} }), nil)
  kit.same(kit.transform("notification", notice("info", "second"), { sender_names = {} }), nil)
  local runs = kit.advance("30m")
  kit.same(runs[1].effects[1].effect, "notify")
  kit.same(runs[1].effects[1].arguments.text, "first\nsecond")
  kit.same(#kit.advance("30m")[1].effects, 0)
end)
