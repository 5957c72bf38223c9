// status, logs, reload, log-level, version against a scripted daemon.
#include <map>

#include "cli/daemon_client.hpp"
#include "cli_scripted_daemon.hpp"
#include "cmocka.hpp"
#include "core/event_ring.hpp"

using namespace fairlead;
using test::Ran;
using test::ScriptedAnswer;

static std::string path_of(const core::HttpRequest& request) {
  return request.method + " " + request.url.substr(request.url.find("/v1/"));
}

static Ran run(std::vector<std::string> arguments, std::map<std::string, ScriptedAnswer> answers) {
  return test::run(std::move(arguments),
                   [&](const core::HttpRequest& request) -> base::Result<ScriptedAnswer> {
                     const auto found = answers.find(path_of(request));
                     if (found == answers.end()) fail_msg("not expected: %s", path_of(request).c_str());
                     return found->second;
                   });
}

static const ScriptedAnswer kStatus{
    200, R"({"schema":"fairlead.status/1","daemon":{"last_reload_error":null},"tunnels":[
      {"name":"hub","state":"stopped"},{"name":"nas","state":"starting"}],"new_key":1})"};

static void an_absent_daemon_is_told_with_the_cure(void**) {
  const auto ran =
      test::run({"status", "--json"}, [](const core::HttpRequest&) -> base::Result<ScriptedAnswer> {
        return base::Error{base::Code::unavailable, "refused", {}};
      });
  assert_int_equal(ran.exit, 69);
  assert_text_equal(
      ran.err,
      "fairlead: no daemon at /nonexistent/control.sock (no such socket); start it with: fairlead daemon\n");
  const auto document = base::Json::parse(ran.out);
  assert_text_equal((*document)["error"]["code"].text(), "unavailable");
}

static void status_shows_the_tunnels_named(void**) {
  const auto ran = run({"status", "nas"}, {{"GET /v1/status", kStatus}});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(
      ran.out, "TUNNEL  STATE     ACTOR  HOST  UPTIME  HEALTH\nnas     starting  -      -     -       -\n");
}

static void status_shows_the_known_ones_beside_an_unknown(void**) {
  const auto ran = run({"status", "hub", "nsa"}, {{"GET /v1/status", kStatus}});
  assert_int_equal(ran.exit, 1);
  assert_true(ran.out.find("hub") != std::string::npos);
  assert_text_equal(ran.err, "fairlead: no tunnel named `nsa`; did you mean `nas`?\n");
}

static void status_json_is_the_daemons_object(void**) {
  const auto ran = run({"status", "--json", "nas"}, {{"GET /v1/status", kStatus}});
  const auto document = base::Json::parse(ran.out);
  assert_true(document.ok());
  assert_text_equal((*document)["schema"].text(), "fairlead.status/1");
  assert_int_equal((*document)["new_key"].integer(), 1);
  assert_int_equal((*document)["tunnels"].size(), 1);
  assert_text_equal((*document)["tunnels"].at(0)["name"].text(), "nas");
}

static void names_are_one_a_line(void**) {
  assert_text_equal(run({"status", "--names"}, {{"GET /v1/status", kStatus}}).out, "hub\nnas\n");
}

static void logs_ask_for_as_many_lines_as_wanted(void**) {
  const ScriptedAnswer lines{200, R"({"lines":[{"id":1,"time":"t","level":"info","event":"e"}]})"};
  assert_text_equal(run({"logs"}, {{"GET /v1/logs?lines=50", lines}}).out, "t info  e\n");
  const auto ran = run({"logs", "hub", "-n", "3", "--json"},
                       {{"GET /v1/status", kStatus}, {"GET /v1/logs?lines=3&tunnel=hub", lines}});
  assert_text_equal(ran.out, "{\"id\":1,\"time\":\"t\",\"level\":\"info\",\"event\":\"e\"}\n");
}

// Both ends have the same bound: what the command line lets through, the daemon answers.
static void logs_are_asked_for_up_to_what_the_daemon_keeps(void**) {
  const ScriptedAnswer lines{200, R"({"lines":[]})"};
  const auto most = std::to_string(core::kMostKept);
  assert_int_equal(run({"logs", "-n", most}, {{"GET /v1/logs?lines=" + most, lines}}).exit, 0);
  assert_int_equal(run({"logs", "-n", std::to_string(core::kMostKept + 1)}, {}).exit, 64);
}

static void logs_of_an_unknown_tunnel_fail(void**) {
  assert_int_equal(run({"logs", "x"}, {{"GET /v1/status", kStatus}}).exit, 1);
}

static void reload_tells_what_changed(void**) {
  const auto ran =
      run({"reload"},
          {{"POST /v1/reload", {200, R"({"generation":4,"added":["a","b"],"removed":["z"],"changed":[],
                                               "unchanged":["hub"]})"}}});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "generation 4; added a, b; removed z; 1 unchanged\n");
}

static void a_refused_reload_lists_every_problem_with_its_fix(void**) {
  const ScriptedAnswer refused{422,
                               R"json({"code":"bad_config","detail":"two lines\nof it","status":422,"errors":[
      "/c.yaml:3:5: unknown key `hots` (did you mean `host`?)","/c.yaml: no tunnels\u001b"]})json"};
  const auto ran = run({"reload", "--json"}, {{"POST /v1/reload", refused}});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err,
                    "/c.yaml:3:5: unknown key `hots` (did you mean `host`?)\n"
                    "/c.yaml: no tunnels\\x1b\n"
                    "fairlead: nothing was changed: mend the configuration and reload again\n");
  const auto document = base::Json::parse(ran.out);
  assert_text_equal((*document)["error"]["code"].text(), "bad_config");
  assert_int_equal((*document)["error"]["errors"].size(), 2);
}

static void a_reload_overtaken_by_another_is_told(void**) {
  const ScriptedAnswer overtaken{
      409, R"({"code":"cancelled","detail":"superseded by a later reload","status":409})"};
  const auto ran = run({"reload"}, {{"POST /v1/reload", overtaken}});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err, "fairlead: superseded by a later reload\n");
}

static void the_log_level_is_shown_and_changed(void**) {
  assert_text_equal(run({"log-level"}, {{"GET /v1/log-level", {200, R"({"level":"info"})"}}}).out, "info\n");
  std::string sent;
  const auto ran = test::run({"log-level", "debug"}, [&](const core::HttpRequest& request) {
    sent = path_of(request) + " " + request.body;
    return base::Result<ScriptedAnswer>(ScriptedAnswer{200, R"({"level":"debug"})"});
  });
  assert_text_equal(sent, "PUT /v1/log-level {\"level\":\"debug\"}");
  assert_text_equal(ran.out, "debug\n");
}

static void the_version_needs_no_daemon(void**) {
  const auto ran =
      test::run({"version", "--json"}, [](const core::HttpRequest&) -> base::Result<ScriptedAnswer> {
        return base::Error{base::Code::unavailable, "refused", {}};
      });
  assert_int_equal(ran.exit, 0);
  const auto document = base::Json::parse(ran.out);
  assert_text_equal((*document)["client"]["version"].text(), FAIRLEAD_VERSION);
  assert_true((*document)["daemon"].is_null());
}

static void a_refusal_is_told_in_the_daemons_words(void**) {
  const ScriptedAnswer forbidden{403, R"({"code":"forbidden","detail":"your role is viewer","status":403})"};
  const auto ran = run({"reload"}, {{"POST /v1/reload", forbidden}});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err, "fairlead: your role is viewer\n");
}

static void an_answer_that_is_no_json_is_an_error(void**) {
  const auto ran = run({"status"}, {{"GET /v1/status", {200, "<html>"}}});
  assert_int_equal(ran.exit, 1);
  assert_true(ran.err.rfind("fairlead: the daemon's answer is not JSON", 0) == 0);
}

static void names_are_escaped_in_paths(void**) {
  assert_text_equal(cli::escape_segment("state-hub_1.a~b"), "state-hub_1.a~b");
  assert_text_equal(cli::escape_segment("a b/c?d%e"), "a%20b%2fc%3fd%25e");
  assert_text_equal(cli::escape_segment(".."), "%2e%2e");
}

static void a_test_message_is_reported(void**) {
  const ScriptedAnswer good{200, R"({"sender":"phone","outcome":"delivered"})"};
  const auto ran = run({"notify", "test", "phone"}, {{"POST /v1/notify/phone/test", good}});
  assert_int_equal(ran.exit, 0);
  assert_text_equal(ran.out, "phone: delivered\n");
  const auto json = run({"notify", "test", "--json", "phone"}, {{"POST /v1/notify/phone/test", good}});
  assert_text_equal((*base::Json::parse(json.out))["outcome"].text(), "delivered");
}

// "unavailable" may be the receiver's trouble: only a daemon that does not answer ends with 69.
static void a_test_message_that_fails_ends_with_1(void**) {
  const ScriptedAnswer bad{503, R"({"status":503,"detail":"cannot connect","code":"unavailable"})"};
  const auto ran = run({"notify", "test", "phone", "--json"}, {{"POST /v1/notify/phone/test", bad}});
  assert_int_equal(ran.exit, 1);
  assert_text_equal(ran.err, "fairlead: phone: cannot connect\n");
  assert_text_equal((*base::Json::parse(ran.out))["error"]["code"].text(), "unavailable");
  assert_int_equal(run({"notify", "test"}, {}).exit, 64);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_test_message_is_reported),
      cmocka_unit_test(a_test_message_that_fails_ends_with_1),
      cmocka_unit_test(an_absent_daemon_is_told_with_the_cure),
      cmocka_unit_test(status_shows_the_tunnels_named),
      cmocka_unit_test(status_shows_the_known_ones_beside_an_unknown),
      cmocka_unit_test(status_json_is_the_daemons_object),
      cmocka_unit_test(names_are_one_a_line),
      cmocka_unit_test(logs_ask_for_as_many_lines_as_wanted),
      cmocka_unit_test(logs_are_asked_for_up_to_what_the_daemon_keeps),
      cmocka_unit_test(logs_of_an_unknown_tunnel_fail),
      cmocka_unit_test(reload_tells_what_changed),
      cmocka_unit_test(a_refused_reload_lists_every_problem_with_its_fix),
      cmocka_unit_test(a_reload_overtaken_by_another_is_told),
      cmocka_unit_test(the_log_level_is_shown_and_changed),
      cmocka_unit_test(the_version_needs_no_daemon),
      cmocka_unit_test(a_refusal_is_told_in_the_daemons_words),
      cmocka_unit_test(an_answer_that_is_no_json_is_an_error),
      cmocka_unit_test(names_are_escaped_in_paths),
  };
  return cmocka_run_group_tests_name("cli_commands", tests, nullptr, nullptr);
}
