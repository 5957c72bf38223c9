#include <map>

#include "cli/wait.hpp"
#include "cli_scripted_daemon.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using test::Ran;
using test::ScriptedAnswer;

namespace {

// Tunnels by name; each GET of the status moves every tunnel one step along its script, and stays at the
// last.
struct Daemon {
  std::map<std::string, std::vector<std::string>> states;
  std::map<std::string, std::size_t> at;
  std::vector<std::string> posted;
  std::map<std::string, ScriptedAnswer> posts;  // by path; else 200 and the tunnel

  std::string tunnel(const std::string& name) {
    const auto& script = states[name];
    return R"({"name":")" + name + "\"," + script[std::min(at[name], script.size() - 1)] + "}";
  }
  std::string status() {
    std::string list;
    for (const auto& [name, script] : states) list += (list.empty() ? "" : ",") + tunnel(name);
    for (const auto& [name, script] : states) ++at[name];
    return R"({"schema":"fairlead.status/1","daemon":{"config_file":"/c.yaml"},"tunnels":[)" + list + "]}";
  }
  base::Result<ScriptedAnswer> answer(const core::HttpRequest& request) {
    const auto path = request.url.substr(request.url.find("/v1/"));
    if (path == "/v1/status") return ScriptedAnswer{200, status()};
    posted.push_back(request.method + " " + path);
    if (const auto found = posts.find(path); found != posts.end()) return found->second;
    const auto name = path.substr(12, path.rfind('/') - 12);
    return ScriptedAnswer{200, tunnel(name)};
  }
};

Ran run(Daemon& daemon, std::vector<std::string> arguments) {
  return test::run(std::move(arguments),
                   [&](const core::HttpRequest& request) { return daemon.answer(request); });
}

const std::string kStopped = R"("state":"stopped","proof":"none")";
const std::string kStarting = R"("state":"starting","proof":"none")";
const std::string kProven = R"("state":"connected","proof":"probe")";
const std::string kUnproven = R"("state":"connected","proof":"none")";
const std::string kRefused =
    R"("state":"reconnecting","proof":"none","reason":"auth_refused","reason_text":"auth refused","hint":"add the key")";
const std::string kFailed =
    R"("state":"failed","proof":"none","reason":"attempts_exhausted","reason_text":"attempts exhausted","hint":"mend it")";
const ScriptedAnswer kAlready{409, R"({"code":"already","detail":"hub is already up","status":409})"};

}  // namespace

static void without_names_every_tunnel_is_meant(void**) {
  Daemon daemon{{{"a", {kStopped}}, {"b", {kStopped}}}};
  const auto ran = run(daemon, {"down"});
  assert_int_equal(ran.exit, 0);
  assert_true(daemon.posted ==
              (std::vector<std::string>{"POST /v1/tunnels/a/down", "POST /v1/tunnels/b/down"}));
}

static void a_name_given_twice_is_asked_once(void**) {
  Daemon daemon{{{"a", {kStopped, kStarting}}}};
  const auto ran = run(daemon, {"up", "a", "a"});
  assert_int_equal(daemon.posted.size(), 1);
  assert_text_equal(ran.out, "a: starting\n");
}

static void an_unknown_name_does_not_keep_the_others_from_theirs(void**) {
  Daemon daemon{{{"hub", {kStopped, kStarting}}}};
  const auto ran = run(daemon, {"up", "hbu", "hub"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.out, "hub: starting\n");
  assert_text_equal(ran.err, "fairlead: no tunnel named `hbu`; did you mean `hub`?\n");
  assert_true(daemon.posted == std::vector<std::string>{"POST /v1/tunnels/hub/up"});
}

static void already_is_its_own_code_only_when_nothing_changed(void**) {
  Daemon daemon{{{"hub", {kProven}}, {"nas", {kStopped}}}, {}, {}, {{"/v1/tunnels/hub/up", kAlready}}};
  const auto alone = run(daemon, {"up", "hub"});
  assert_int_equal(alone.exit, 2);
  assert_text_equal(alone.err, "fairlead: hub is already up\n");
  assert_int_equal(run(daemon, {"up"}).exit, 0);
}

static void json_carries_every_outcome_and_the_error(void**) {
  Daemon daemon{{{"hub", {kProven}}}, {}, {}, {{"/v1/tunnels/hub/up", kAlready}}};
  const auto ran = run(daemon, {"up", "hub", "x", "--json"});
  assert_int_equal(ran.exit, 1);
  const auto document = base::Json::parse(ran.out);
  assert_true(document.ok());
  assert_text_equal((*document)["results"].at(0)["outcome"].text(), "already");
  assert_text_equal((*document)["results"].at(1)["outcome"].text(), "failed");
  assert_text_equal((*document)["error"]["code"].text(), "not_found");
}

static void no_tunnels_at_all_is_said(void**) {
  Daemon daemon;
  const auto ran = run(daemon, {"up"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err,
                    "fairlead: no tunnels are configured: add one to /c.yaml, then run `fairlead reload`\n");
}

static void waits_until_proven(void**) {
  Daemon daemon{{{"hub", {kStopped, kStarting, kRefused, kStarting, kProven}}}};
  const auto ran = run(daemon, {"up", "hub", "--wait=1h"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "hub: connected (proven by probe)\n");
  assert_text_equal(ran.err, "");  // it took less than a second
}

static void unproven_is_a_warning_or_with_require_proof_a_failure(void**) {
  Daemon daemon{{{"hub", {kStopped, kStarting, kUnproven}}}};
  const auto warned = run(daemon, {"up", "hub", "--wait=1h"});
  assert_int_equal(warned.exit, 0);
  assert_text_equal(warned.out, "hub: connected (unproven)\n");
  assert_true(warned.err.rfind("fairlead: warning: hub is connected, but unproven: ", 0) == 0);
  daemon.at.clear();
  const auto refused = run(daemon, {"up", "hub", "--wait=1h", "--require-proof"});
  assert_int_equal(refused.exit, 1);
  assert_text_equal(refused.out, "");
}

static void failed_ends_the_wait_with_reason_and_hint(void**) {
  Daemon daemon{{{"hub", {kStopped, kStarting, kFailed}}}};
  const auto ran = run(daemon, {"up", "hub", "--wait=1h"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err, "fairlead: hub failed: attempts exhausted; mend it\n");
}

static void the_time_being_over_is_said_with_reason_and_hint(void**) {
  Daemon daemon{{{"hub", {kStopped, kRefused}}}};
  const auto ran = run(daemon, {"up", "hub", "--wait=0"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err,
                    "fairlead: hub is not connected after 0ms (reconnecting): auth refused; add the key\n");
}

static void a_tunnel_put_down_meanwhile_is_not_waited_for(void**) {
  Daemon daemon{{{"hub", {kStarting, kStarting, kStopped}}}};
  const auto ran = run(daemon, {"up", "hub", "--wait=1h"});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err, "fairlead: hub was taken down meanwhile\n");
}

static void waiting_for_one_that_is_up_already_ends_well(void**) {
  Daemon daemon{{{"hub", {kProven}}}, {}, {}, {{"/v1/tunnels/hub/up", kAlready}}};
  const auto up = run(daemon, {"up", "hub", "--wait=1h"});
  assert_int_equal(up.exit, 0);
  assert_text_equal(up.out, "hub: connected (proven by probe)\n");
  assert_text_equal(up.err, "");
  Daemon coming{{{"hub", {kStarting, kStarting, kProven}}}, {}, {}, {{"/v1/tunnels/hub/up", kAlready}}};
  const auto ran = run(coming, {"up", "hub", "--wait=1h"});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.err, "");
}

// `fairlead daemon & fairlead up --wait`: the second is there before the first one's socket.
static void waits_for_a_daemon_that_is_still_starting(void**) {
  Daemon daemon{{{"hub", {kStopped, kStarting, kProven}}}};
  int refused = 0;
  const test::Script starting = [&](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
    if (refused < 3) {
      ++refused;
      return base::Error{base::Code::unavailable, "connection refused", {}};
    }
    return daemon.answer(request);
  };
  const auto ran = test::run({"up", "--wait=1h"}, starting);
  assert_int_equal(ran.exit, 0);
  assert_int_equal(refused, 3);
  assert_text_equal(ran.out, "hub: connected (proven by probe)\n");
}

static void a_daemon_that_does_not_come_is_69_and_without_wait_at_once(void**) {
  int asked = 0;
  const test::Script absent = [&](const core::HttpRequest&) -> base::Result<ScriptedAnswer> {
    ++asked;
    return base::Error{base::Code::unavailable, "connection refused", {}};
  };
  assert_int_equal(test::run({"up"}, absent).exit, 69);
  assert_int_equal(asked, 1);
  const auto ran = test::run({"up", "--wait=250ms"}, absent);
  assert_int_equal(ran.exit, 69);
  assert_true(asked > 1);
  assert_text_equal(ran.err,
                    "fairlead: no daemon at /nonexistent/control.sock (no such socket); start it with: "
                    "fairlead daemon\n");
}

static void verdicts_follow_state_and_proof(void**) {
  const std::pair<std::string, cli::Verdict> rows[] = {
      {kStarting, cli::Verdict::waiting},
      {kRefused, cli::Verdict::waiting},
      {R"("state":"degraded","proof":"probe")", cli::Verdict::proven},
      {R"("state":"degraded","proof":"none")", cli::Verdict::unproven},
      {kProven, cli::Verdict::proven},
      {R"("state":"connected","proof":"traffic")", cli::Verdict::proven},
      {kUnproven, cli::Verdict::unproven},
      {kFailed, cli::Verdict::failed},
      {kStopped, cli::Verdict::failed},
  };
  for (const auto& [text, verdict] : rows) {
    const auto tunnel = base::Json::parse("{" + text + "}");
    assert_true(cli::judge(tunnel->view()) == verdict);
  }
  assert_true(cli::judge({}) == cli::Verdict::failed);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(without_names_every_tunnel_is_meant),
      cmocka_unit_test(a_name_given_twice_is_asked_once),
      cmocka_unit_test(an_unknown_name_does_not_keep_the_others_from_theirs),
      cmocka_unit_test(already_is_its_own_code_only_when_nothing_changed),
      cmocka_unit_test(json_carries_every_outcome_and_the_error),
      cmocka_unit_test(no_tunnels_at_all_is_said),
      cmocka_unit_test(waits_until_proven),
      cmocka_unit_test(unproven_is_a_warning_or_with_require_proof_a_failure),
      cmocka_unit_test(failed_ends_the_wait_with_reason_and_hint),
      cmocka_unit_test(the_time_being_over_is_said_with_reason_and_hint),
      cmocka_unit_test(a_tunnel_put_down_meanwhile_is_not_waited_for),
      cmocka_unit_test(waiting_for_one_that_is_up_already_ends_well),
      cmocka_unit_test(waits_for_a_daemon_that_is_still_starting),
      cmocka_unit_test(a_daemon_that_does_not_come_is_69_and_without_wait_at_once),
      cmocka_unit_test(verdicts_follow_state_and_proof),
  };
  return cmocka_run_group_tests_name("cli_tunnel_commands", tests, nullptr, nullptr);
}
