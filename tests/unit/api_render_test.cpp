// The shapes are a contract: whole texts are compared, so that a renamed or lost member fails here.
#include "api/render.hpp"

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

const base::WallTime kNoon{std::chrono::seconds(1'772'366'400)};  // 2026-03-01T12:00:00Z

core::TunnelStatus full() {
  core::TunnelStatus tunnel;
  tunnel.name = "attic";
  tunnel.state = core::TunnelState::degraded;
  tunnel.proof = core::Proof::probe;
  tunnel.reason = core::Reason::health_failed;
  tunnel.detail = "503";
  tunnel.hint = "look there";
  tunnel.actor = {"agent.hub", core::ActorClass::automation, "not shown"};
  tunnel.host = {"hub.example.net", 2222};
  tunnel.ssh_user = "ops";
  tunnel.since = kNoon;
  tunnel.uptime = 61'999ms;
  tunnel.attempts = 2;
  tunnel.next_attempt_in = 1'001ms;
  tunnel.reconnects = 3;
  tunnel.probe_round_trip = 4ms;
  tunnel.has_health_check = true;
  tunnel.health_good = false;
  tunnel.health = core::HealthResult{kNoon, false, 503, "", 12ms};
  tunnel.host_key_fingerprint = "SHA256:abc";
  tunnel.algorithms = "curve25519-sha256";
  core::ForwardStatus forward;
  forward.forward = {core::ForwardKind::remote, {"localhost", 18000}, {"::1", 8000}};
  forward.listening = true;
  forward.proof = core::Proof::traffic;
  forward.connections = 5;
  forward.active = 1;
  forward.bytes_to_target = 123'456'789'012;
  forward.bytes_from_target = 7;
  forward.refused = 2;
  forward.last_activity = kNoon;
  tunnel.forwards = {forward};
  return tunnel;
}

}  // namespace

static void a_tunnel_with_everything(void**) {
  assert_text_equal(
      api::render(full()).dump(),
      R"({"name":"attic","state":"degraded","proof":"probe","reason":"health_failed",)"
      R"("reason_text":"health check failed","detail":"503","hint":"look there",)"
      R"("actor":{"name":"agent.hub","class":"automation"},"host":"hub.example.net","port":2222,)"
      R"("ssh_user":"ops","since":"2026-03-01T12:00:00.000Z","uptime_seconds":61,"attempts":2,)"
      R"("next_attempt_in_seconds":2,"reconnects":3,"probe_round_trip_ms":4,)"
      R"("host_key_fingerprint":"SHA256:abc","algorithms":"curve25519-sha256",)"
      R"("health":{"configured":true,"good":false,"last":{"time":"2026-03-01T12:00:00.000Z","good":false,)"
      R"("http_status":503,"error":null,"latency_ms":12},"held":null},)"
      R"("forwards":[{"kind":"remote","listen":"localhost:18000","target":"[::1]:8000","listening":true,)"
      R"("proof":"traffic","connections":5,"active":1,"bytes_to_target":123456789012,)"
      R"("bytes_from_target":7,"refused":2,"last_activity":"2026-03-01T12:00:00.000Z"}]})");
}

static void what_is_not_known_is_null(void**) {
  core::TunnelStatus tunnel;
  tunnel.name = "new";
  tunnel.since = kNoon;
  const base::Json json = api::render(tunnel);
  for (const char* key :
       {"reason", "reason_text", "detail", "hint", "uptime_seconds", "next_attempt_in_seconds",
        "probe_round_trip_ms", "host_key_fingerprint", "algorithms", "health"})
    if (!json[key].is_null()) fail_msg("%s is not null", key);
  tunnel.has_health_check = true;
  assert_text_equal(api::render(tunnel)["health"].dump(),
                    R"({"configured":true,"good":true,"last":null,"held":null})");
}

static void the_status_of_the_daemon(void**) {
  core::DaemonStatus daemon;
  daemon.version = "0.1.0";
  daemon.pid = 42;
  daemon.started_at = daemon.config_loaded_at = kNoon;
  daemon.config_file = "/etc/fairlead/fairlead.yaml";
  daemon.config_generation = 3;
  daemon.audit_seq = 9;
  daemon.audit_head = "ff";
  daemon.loop_turns = 77;
  assert_text_equal(
      api::render_status(daemon, {}, {}, {}, {}, 500).dump(),
      R"({"schema":"fairlead.status/1","daemon":{"version":"0.1.0","pid":42,)"
      R"("started_at":"2026-03-01T12:00:00.000Z","config_file":"/etc/fairlead/fairlead.yaml",)"
      R"("config_generation":3,"config_loaded_at":"2026-03-01T12:00:00.000Z","last_reload_error":null,)"
      R"("log_level":"info","audit_seq":9,"audit_head":"ff","audit_error":null,"loop_turns":77},)"
      R"("last_event_id":500,"tunnels":[],"notify":{"senders":[],"dead_letters":[]},)"
      R"("policy":{"generation":0,"folder":null,"loaded_at":null,"last_error":null,"hooks":[],"off":[],)"
      R"("sandbox":{"level":[],"missing":[]},"pid":null,"restarts":0,"flows":0,"counts":[],)"
      R"("journal":{"stored":0,"left_out":0,"dropped":0,"queued":0,"bytes":0,"error":null,"set_aside":null}}})");
  daemon.last_reload_error = "line 3";
  daemon.audit_error = "disk full";
  assert_text_equal(api::render(daemon)["last_reload_error"].text(), "line 3");
  assert_text_equal(api::render(daemon)["audit_error"].text(), "disk full");
}

static void the_report_of_a_reload(void**) {
  assert_text_equal(api::render(core::ReloadReport{4, {"a"}, {"b", "c"}, {}, {"d"}}).dump(),
                    R"({"generation":4,"added":["a"],"removed":["b","c"],"changed":[],"unchanged":["d"]})");
}

static void the_hooks(void**) {
  core::PolicyStatus status;
  status.generation = 3;
  status.folder = "/h";
  status.last_error = "/h/a.lua:2: syntax error";
  core::HookStatus hook;
  hook.event = core::HookEvent::reconnect;
  hook.name = "patience";
  hook.file = "/h/a.lua";
  hook.line = 7;
  hook.strikes = 3;
  hook.quarantined = true;
  hook.failures = 4;
  core::HookStatus flow;
  flow.name = "report";
  flow.every = base::Millis(1500);
  flow.standard = true;
  status.hooks = {hook, flow};
  status.switched_off = {"one-more-minute"};
  status.sandbox_missing = {"landlock"};
  status.pid = 42;
  status.counts = {{core::HookEvent::reconnect, 14, 9, 2, 1}};
  status.journal.error = "disk full";
  const auto json = api::render(status);
  assert_text_equal(
      json["hooks"].dump(),
      R"([{"event":"reconnect","name":"patience","file":"/h/a.lua","line":7,"standard":false,"every_seconds":null,)"
      R"("strikes":3,"quarantined":true,"failures":4},)"
      R"({"event":"every","name":"report","file":"","line":0,"standard":true,"every_seconds":1.5,)"
      R"("strikes":0,"quarantined":false,"failures":0}])");
  assert_text_equal(json["counts"].dump(),
                    R"([{"event":"reconnect","asked":14,"given":9,"troubled":2,"refused":1}])");
  assert_text_equal(json["sandbox"].dump(), R"({"level":[],"missing":["landlock"]})");
  assert_text_equal(json["off"].dump(), R"(["one-more-minute"])");
  assert_text_equal(json["last_error"].text(), "/h/a.lua:2: syntax error");
  assert_text_equal(json["journal"]["error"].text(), "disk full");
  assert_true(json["loaded_at"].is_string());
  assert_int_equal(json["pid"].integer(), 42);
}

static void the_senders_of_notifications(void**) {
  core::NotifyStatus status;
  core::SenderStatus sender;
  sender.name = "phone";
  sender.type = core::SenderType::ntfy;
  sender.delivered = 5;
  sender.retried = 2;
  sender.dead = 1;
  sender.held_back = 3;
  sender.queued = 4;
  sender.next_attempt_in = 1'001ms;
  sender.last_delivered = kNoon;
  sender.last_error = "HTTP status 500";
  status.senders = {sender};
  status.dead_letters = {{kNoon, "phone", "tunnel_failed", "attic", "a title", 8, "given up"}};
  assert_text_equal(
      api::render(status).dump(),
      R"({"senders":[{"name":"phone","type":"ntfy","queued":4,"delivered":5,"retried":2,"held_back":3,"dead":1,)"
      R"("next_attempt_in_seconds":2,"last_delivered":"2026-03-01T12:00:00.000Z",)"
      R"("last_error":"HTTP status 500"}],"dead_letters":[{"time":"2026-03-01T12:00:00.000Z","sender":"phone",)"
      R"("event":"tunnel_failed","subject":"attic","title":"a title","attempts":8,"reason":"given up"}]})");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_tunnel_with_everything),
      cmocka_unit_test(what_is_not_known_is_null),
      cmocka_unit_test(the_status_of_the_daemon),
      cmocka_unit_test(the_report_of_a_reload),
      cmocka_unit_test(the_hooks),
      cmocka_unit_test(the_senders_of_notifications),
  };
  return cmocka_run_group_tests_name("api_render", tests, nullptr, nullptr);
}
