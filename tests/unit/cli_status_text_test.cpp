#include "cli/status_text.hpp"
#include "cmocka.hpp"

using namespace fairlead;

static base::Json json(std::string_view text) {
  auto parsed = base::Json::parse(text);
  if (!parsed) fail_msg("bad JSON in the test: %s", parsed.error().text().c_str());
  return std::move(*parsed);
}

// The status of a daemon that is well, with these tunnels.
static base::Json status(const std::string& tunnels,
                         const std::string& daemon = R"({"config_generation":3})") {
  return json(R"({"schema":"fairlead.status/1","daemon":)" + daemon + R"(,"tunnels":[)" + tunnels + "]}");
}

static std::string rendered(const base::Json& value, bool wide = false) {
  return cli::render_status(value.view(), {false, wide});
}

constexpr const char* kHub =
    R"({"name":"hub","state":"connected","proof":"probe","actor":{"name":"agent.hub"},"host":"hub.example.net",
        "port":22,"uptime_seconds":7384,"probe_round_trip_ms":12.34,"reconnects":2,
        "health":{"configured":true,"good":true,"last":{"good":true,"http_status":200,"latency_ms":8}},
        "forwards":[{"kind":"remote","listen":"localhost:18000","target":"127.0.0.1:8000","listening":true,
        "proof":"probe","connections":12,"active":1,"bytes_to_target":2048,"bytes_from_target":5,"refused":0,
        "last_activity":null}]})";
constexpr const char* kNas =
    R"({"name":"nas","state":"reconnecting","proof":"none","reason":"auth_refused","reason_text":"auth refused",
        "detail":"publickey","hint":"add the public key","actor":{"name":"ops"},"host":"2001:db8::1","port":2222,
        "uptime_seconds":null,"attempts":3,"next_attempt_in_seconds":42,"health":null,"forwards":[]})";

static void a_row_says_what_is_wrong_and_when_it_is_tried_again(void**) {
  assert_text_equal(rendered(status(std::string(kHub) + "," + kNas)),
                    "TUNNEL  STATE         ACTOR      HOST                UPTIME  HEALTH\n"
                    "hub     connected     agent.hub  hub.example.net     2h 3m   good 8ms\n"
                    "nas     reconnecting  ops        [2001:db8::1]:2222  -       -\n"
                    "    auth refused: publickey; attempt 4 in 42s\n"
                    "    hint: add the public key\n");
}

static void wide_adds_the_counters_of_every_forward(void**) {
  const auto text = rendered(status(kHub), true);
  assert_text_equal(
      text,
      "TUNNEL  STATE      ACTOR      HOST             UPTIME  ROUND TRIP  RECONNECTS  HEALTH\n"
      "hub     connected  agent.hub  hub.example.net  2h 3m   12ms                 2  good 8ms\n"
      "\n"
      "TUNNEL  KIND    LISTEN           TARGET          LISTENING  PROOF  CONNS  ACTIVE  TO TARGET  FROM "
      "TARGET  "
      "REFUSED  LAST ACTIVITY\n"
      "hub     remote  localhost:18000  127.0.0.1:8000  yes        probe     12       1    2.0 KiB          "
      "5 B  "
      "      0  -\n");
}

static void connected_without_proof_is_never_plain_connected(void**) {
  const auto tunnel = json(R"({"name":"mute","state":"connected","proof":"none","reason":null})");
  assert_text_equal(cli::state_text(tunnel.view()), "connected (unproven)");
  const auto notes = cli::trouble_notes(tunnel.view());
  assert_int_equal(notes.size(), 1);
  assert_text_equal(notes[0].text, cli::kUnprovenNote);
  const auto traffic = json(R"({"name":"x","state":"connected","proof":"traffic"})");
  assert_text_equal(cli::state_text(traffic.view()), "connected");
  assert_true(cli::trouble_notes(traffic.view()).empty());
}

static void a_tunnel_that_was_put_down_is_not_in_trouble(void**) {
  const auto tunnel =
      json(R"({"name":"x","state":"stopped","reason":"by_operator","reason_text":"asked for"})");
  assert_text_equal(cli::trouble_text(tunnel.view()), "");
  assert_true(cli::trouble_notes(tunnel.view()).empty());
}

static void health_says_how_it_stands(void**) {
  const std::pair<const char*, const char*> rows[] = {
      {"null", "-"},
      {R"({"configured":true,"good":true,"last":null})", "waiting"},
      {R"({"configured":true,"good":true,"last":{"good":true,"latency_ms":120.4}})", "good 120ms"},
      {R"({"configured":true,"good":false,"last":{"good":true,"latency_ms":1}})", "recovering 1ms"},
      {R"({"configured":true,"good":false,"last":{"good":false,"http_status":503,"error":null}})",
       "failing: 503"},
      {R"({"configured":true,"good":true,"last":{"good":false,"http_status":0,"error":"timed out"}})",
       "failing: timed out"},
  };
  for (const auto& [health, cell] : rows) {
    const auto text = rendered(
        status(R"({"name":"x","state":"degraded","uptime_seconds":3,"health":)" + std::string(health) + "}"));
    assert_text_equal(text, std::string("TUNNEL  STATE     ACTOR  HOST  UPTIME  HEALTH\n") +
                                "x       degraded  -      -     3s      " + cell + "\n");
  }
  // A line that is down waits for no check.
  const auto down = rendered(status(
      R"({"name":"x","state":"stopped","uptime_seconds":null,"health":{"configured":true,"good":true,"last":null}})"));
  assert_text_equal(down,
                    "TUNNEL  STATE    ACTOR  HOST  UPTIME  HEALTH\n"
                    "x       stopped  -      -     -       -\n");
}

static void the_daemons_own_troubles_are_said_below(void**) {
  const auto text = rendered(status("", R"({"config_file":"/etc/f.yaml","config_generation":3,
      "last_reload_error":"f.yaml:2:1: unknown key","audit_error":"disk full"})"));
  assert_text_equal(text,
                    "no tunnels in /etc/f.yaml\n"
                    "\n"
                    "config: generation 3; last reload failed: f.yaml:2:1: unknown key\n"
                    "audit: lines do not reach the disk: disk full\n");
}

static void nothing_from_outside_reaches_the_terminal_raw(void**) {
  const auto evil =
      R"({"name":"x\u001b[2J","state":"failed\u0007","reason":"r\u001b","reason_text":"\u001b[31m",
      "detail":"a\nb\u009b","hint":"\u001b]0;t\u0007","actor":{"name":"\u001b"},"host":"h\u001b",
      "health":{"configured":true,"good":false,"last":{"good":false,"error":"\u001b"}},
      "forwards":[{"kind":"\u001b","listen":"\u001b","target":"\u001b","proof":"\u001b","last_activity":"\u001b"}]})";
  const auto text =
      rendered(status(evil, R"({"last_reload_error":"\u001b","audit_error":"\u001b[H"})"), true);
  for (const char c : text) assert_true(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  assert_true(text.find("\xc2\x9b") == std::string::npos);
}

static void what_is_missing_or_of_another_type_does_no_harm(void**) {
  assert_text_equal(rendered(status(R"({"name":7,"state":null,"uptime_seconds":"x","port":"y"})")),
                    "TUNNEL  STATE  ACTOR  HOST  UPTIME  HEALTH\n-       -      -      -     -       -\n");
  assert_text_equal(rendered(json("[]")), "no tunnels in \n");
}

static void tunnels_are_found_by_name(void**) {
  const auto value = status(std::string(kHub) + "," + kNas);
  assert_true(cli::tunnel_names(value.view()) == (std::vector<std::string>{"hub", "nas"}));
  assert_text_equal(cli::find_tunnel(value.view(), "nas")["host"].text(), "2001:db8::1");
  assert_false(cli::find_tunnel(value.view(), "na").exists());
}

static void a_sender_has_a_line_only_while_something_is_wrong(void**) {
  const auto shown = [](const std::string& senders) {
    return rendered(
        json(R"({"daemon":{"config_file":"f"},"tunnels":[],"notify":{"senders":[)" + senders + "]}}"));
  };
  assert_text_equal(shown(R"({"name":"good","dead":0,"last_error":null})"), "no tunnels in f\n");
  assert_text_equal(shown(R"({"name":"good","dead":0,"last_error":null},
                            {"name":"phone","dead":2,"last_error":"HTTP status 500","next_attempt_in_seconds":3},
                            {"name":"ops","dead":1,"last_error":null},
                            {"name":"hook","dead":0,"last_error":"timed out\u001b[0m"})"),
                    "no tunnels in f\n"
                    "\n"
                    "notify: phone: 2 messages given up; last error: HTTP status 500; next attempt in 3s\n"
                    "notify: ops: 1 message given up\n"
                    "notify: hook: last error: timed out\\x1b[0m\n");
}

static std::string below_no_tunnels(const std::string& policy, const std::string& daemon_error = "null") {
  const std::string daemon =
      R"({"config_file":"f","config_generation":3,"last_reload_error":)" + daemon_error + "}";
  return rendered(json(R"({"daemon":)" + daemon + R"(,"tunnels":[],"policy":)" + policy + "}"));
}

static void hooks_have_a_line_only_while_something_is_wrong(void**) {
  assert_text_equal(below_no_tunnels(R"({"last_error":null,"hooks":[{"name":"a","quarantined":false}],
      "sandbox":{"level":["seccomp"],"missing":[]},"journal":{"error":null}})"),
                    "no tunnels in f\n");
  assert_text_equal(
      below_no_tunnels(R"({"last_error":"a.lua:2: bad\nb.lua:3: bad",
      "hooks":[{"name":"a","quarantined":false},{"name":"b","file":"x.lua","line":7,"quarantined":true}],
      "sandbox":{"missing":["landlock","seccomp"]},"journal":{"error":"disk full\u001b"}})"),
      "no tunnels in f\n"
      "\n"
      "policy: last reload failed: a.lua:2: bad (and 1 more: run `fairlead policy check`)\n"
      "policy: hook b (x.lua:7) is in quarantine, its event answers the safe default: mend it and "
      "run `fairlead reload`\n"
      "policy: decisions do not reach the journal: disk full\\x1b\n"
      "policy: the sandbox of the hooks is not whole, it lacks: landlock, seccomp\n");
}

static void a_failed_reload_is_told_once(void**) {
  const auto text = below_no_tunnels(R"({"last_error":"a.lua:2: bad"})", R"("a.lua:2: bad")");
  assert_text_equal(text, "no tunnels in f\n\nconfig: generation 3; last reload failed: a.lua:2: bad\n");
  assert_text_equal(
      below_no_tunnels("{}", R"("f:3:1: bad\nf:4:1: bad\nf:5:1: bad")"),
      "no tunnels in f\n\nconfig: generation 3; last reload failed: f:3:1: bad (and 2 more: run "
      "`fairlead reload`)\n");
}

static void a_check_that_a_hook_holds_says_who_and_for_how_long(void**) {
  const auto tunnel = json(R"({"name":"x","state":"connected","proof":"probe","reason":null,"health":{
      "configured":true,"good":true,"held":{"hook":"a.lua:2 calm","why":"a restart","seconds_left":42}}})");
  const auto notes = cli::trouble_notes(tunnel.view());
  assert_int_equal(notes.size(), 1);
  assert_text_equal(notes[0].text,
                    "the failing health check is held for 42s more by a.lua:2 calm: a restart");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sender_has_a_line_only_while_something_is_wrong),
      cmocka_unit_test(a_row_says_what_is_wrong_and_when_it_is_tried_again),
      cmocka_unit_test(wide_adds_the_counters_of_every_forward),
      cmocka_unit_test(connected_without_proof_is_never_plain_connected),
      cmocka_unit_test(a_tunnel_that_was_put_down_is_not_in_trouble),
      cmocka_unit_test(health_says_how_it_stands),
      cmocka_unit_test(the_daemons_own_troubles_are_said_below),
      cmocka_unit_test(nothing_from_outside_reaches_the_terminal_raw),
      cmocka_unit_test(what_is_missing_or_of_another_type_does_no_harm),
      cmocka_unit_test(tunnels_are_found_by_name),
      cmocka_unit_test(hooks_have_a_line_only_while_something_is_wrong),
      cmocka_unit_test(a_failed_reload_is_told_once),
      cmocka_unit_test(a_check_that_a_hook_holds_says_who_and_for_how_long),
  };
  return cmocka_run_group_tests_name("cli_status_text", tests, nullptr, nullptr);
}
