// What the executors ask the spawner for, and what they refuse before they ask.
#include <cstdlib>

#include "base/json.hpp"
#include "exec/payload.hpp"
#include "exec_scene.hpp"

static void only_what_is_allowed_is_registered(void**) {
  House all;
  const auto kinds = all.registry.kinds();
  assert_words({kinds.begin(), kinds.end()}, {"noop", "run_bash", "run_python", "script", "sleep"});
  House none{core::ExecutorSettings{}};
  assert_true(none.registry.kinds().empty());
}

static void a_kind_has_one_executor(void**) {
  loop::Loop loop;
  core::ExecutorRegistry registry;
  assert_true(registry.add(exec::make_noop(loop)).ok());
  const auto first = registry.find("noop");
  assert_non_null(first.get());
  const auto twice = registry.add(exec::make_noop(loop));
  assert_true(!twice.ok() && twice.error().code == base::Code::conflict);
  assert_ptr_equal(registry.find("noop").get(), first.get());
  assert_null(registry.find("sleep").get());
}

static void a_script_runs_as_its_settings_say(void**) {
  ::setenv("FAIRLEAD_TEST_INHERITED", "from the daemon", 1);
  ::setenv("FAIRLEAD_TEST_OTHER", "must stay", 1);
  auto settings = everything();
  auto& program = settings.scripts.at("nightly-backup").program;
  program.environment = {{"LANG", "C"}, {"PATH", "/opt/bin"}};
  program.inherit = {"FAIRLEAD_TEST_INHERITED", "FAIRLEAD_TEST_NOT_THERE"};
  program.folder = "/var/backups";
  program.input = core::TaskInput::file;
  program.output_bytes = 1025;
  program.grace = 9s;
  program.limits = {60, 512, 4096, 64, 32};
  program.network = false;
  program.writable = {"/var/backups"};
  House house(settings);
  const auto call = house.execute("script", R"({"program":"nightly-backup","input":{"a":[1,"x"]}})");
  const auto& spec = house.spawn.spec;
  assert_words(spec.argv, {"/usr/local/lib/backup", "--all"});
  assert_text_equal(spec.sha256, std::string(64, 'a'));
  assert_text_equal(spec.input, R"({"a":[1,"x"]})");
  assert_text_equal(spec.input_file, "FAIRLEAD_INPUT_FILE");
  assert_text_equal(spec.private_folder, "TMPDIR");
  assert_text_equal(spec.folder, "/var/backups");
  assert_int_equal(spec.output_head, 513);
  assert_int_equal(spec.output_tail, 512);
  assert_int_equal(spec.timeout.count(), 90'000);
  assert_int_equal(spec.grace.count(), 9'000);
  assert_true(spec.limits == (core::ChildLimits{60, 512, 4096, 64, 32}));
  assert_true(spec.sandbox.kind == core::SandboxKind::strict && !spec.sandbox.network);
  assert_words(spec.sandbox.writable, {"/var/backups"});
  assert_true(spec.lease_until == base::BootTime(5000ms));
  const std::vector<std::pair<std::string, std::string>> environment = {
      {"FAIRLEAD_ATTEMPT", "2"},
      {"FAIRLEAD_EPOCH", "7"},
      {"FAIRLEAD_TASK_ID", "42"},
      {"FAIRLEAD_TEST_INHERITED", "from the daemon"},
      {"FAIRLEAD_TRACE_ID", "0af7651916cd43dd8448eb211c80319c"},
      {"LANG", "C"},
      {"PATH", "/opt/bin"}};
  assert_true(spec.environment == environment);
}

static void without_a_sandbox_nothing_is_taken_away(void**) {
  auto settings = everything();
  settings.run_bash->sandbox = false;
  settings.run_python->environment = {{"TMPDIR", "/srv/tmp"}};
  House house(settings);
  auto call = house.execute("run_bash", R"({"text":"true"})");
  assert_true(house.spawn.spec.sandbox == core::SandboxWish{});
  assert_text_equal(house.spawn.spec.private_folder, "");
  assert_text_equal(*house.spawn.variable("PATH"), "/usr/local/bin:/usr/bin:/bin");
  call = house.execute("run_python", R"({"text":"1"})");
  assert_true(house.spawn.spec.sandbox.kind == core::SandboxKind::strict);
  assert_text_equal(house.spawn.spec.private_folder, "");  // the configuration names another
}

// What a shell would make something of stays one word, byte for byte.
static void hostile_words_stay_words(void**) {
  House house;
  const std::string hostile[] = {R"("; rm -rf /)", "$(touch /tmp/x)", "`id`", "a\nb", "--", "é\x01", "*", ""};
  auto args = base::Json::array();
  for (const auto& word : hostile) args.push(word);
  auto payload = base::Json::object();
  payload.set("program", "any-args").set("args", std::move(args)).set("input", "$(id)\n");
  auto call = house.execute("script", payload.dump());
  std::vector<std::string> expected{"/usr/local/lib/backup", "--all"};
  expected.insert(expected.end(), std::begin(hostile), std::end(hostile));
  assert_words(house.spawn.spec.argv, expected);
  assert_text_equal(house.spawn.spec.input, "$(id)\n");  // a text goes as its bytes, not as JSON
  call = house.execute("run_bash", R"({"text":"echo \"$1\"","args":["; rm -rf /"]})");
  assert_words({house.spawn.spec.argv.begin() + 1, house.spawn.spec.argv.end()},
               {"-c", "echo \"$1\"", "bash", "; rm -rf /"});
  call = house.execute("run_python", R"({"text":"import sys","args":["$HOME"]})");
  assert_words({house.spawn.spec.argv.begin() + 1, house.spawn.spec.argv.end()},
               {"-I", "-X", "utf8", "-c", "import sys", "$HOME"});
}

static void bad_payloads_are_refused_with_every_fault(void**) {
  House house;
  const auto assert_refused = [&](const char* kind, const std::string& payload, base::Code code,
                                  const char* message) {
    const auto error = house.refusal(kind, payload);
    assert_text_equal(error.message, message);
    assert_int_equal(error.code, code);
    auto call = house.execute(kind, payload);  // whoever does not ask before is refused all the same
    house.until_result();
    assert_text_equal(house.result->error.code, code == base::Code::forbidden ? "forbidden" : "validation");
    assert_text_equal(house.result->error.message, message);
    assert_int_equal(house.result->exit_class, ExitClass::not_started);
    house.result.reset();
  };
  const auto bad = base::Code::bad_request, forbidden = base::Code::forbidden;
  assert_refused("script", "[]", bad, "payload: must be a JSON object");
  assert_refused("script", R"({"programm":"x","args":"a"})", bad,
                 "payload.programm: is not known here; did you mean \"program\"?\n"
                 "payload.program: is missing\n"
                 "payload.args: must be a list of at most 64 texts");
  assert_refused("script", R"({"program":"nightly-bakcup"})", forbidden,
                 "payload.program: \"nightly-bakcup\" is not allowed here; did you mean \"nightly-backup\"?");
  assert_refused(
      "script", R"({"program":"/bin/sh"})", forbidden,
      "payload.program: \"/bin/sh\" is not allowed here; add it to executors.script.programs in the "
      "configuration");
  assert_refused("script", R"({"program":"nightly-backup","args":["x"]})", forbidden,
                 "payload.args: \"nightly-backup\" takes none from tasks; `accepts_args: true` in its "
                 "configuration allows them");
  assert_refused("script", R"({"program":"any-args","args":[1]})", bad,
                 "payload.args: has 1: each must be a text, in quotes");
  assert_refused("script", R"({"program":"any-args","args":[")" + std::string(4097, 'x') + R"("]})", bad,
                 "payload.args: has a text of more than 4096 bytes: send it as `input`");
  assert_refused("run_bash", R"({"text":""})", bad, "payload.text: must be a text, and not empty");
  assert_refused(
      "run_bash", R"({"text":")" + std::string(exec::kMaxInlineText + 1, 'x') + R"("})", bad,
      "payload.text: is longer than 128 KiB: put it into a file, and allow that in executors.script");
  assert_refused("run_python", R"({"text":"a\u0000b"})", bad, "JSON refused: a text holds a NUL");
  assert_refused("sleep", R"({"seconds":-1})", bad,
                 "payload.seconds: must be a number from 0 to 604800, such as 0.5");
  assert_refused("sleep", "{}", bad, "payload.seconds: must be a number from 0 to 604800, such as 0.5");
  assert_int_equal(house.spawn.started, 0);
}

static void stops_renewals_and_output_pass_through(void**) {
  House house;
  auto call = house.execute("script", R"({"program":"nightly-backup"})");
  call->renew_lease(base::BootTime(9s));
  assert_true(house.spawn.renewed == base::BootTime(9s));
  house.spawn.on_output({false, "so far", false});
  assert_text_equal(house.output, "so far");
  assert_false(house.spawn.ended);
  call->stop();
  assert_true(house.spawn.ended);
  assert_false(house.spawn.gone);
  call.reset();
  assert_true(house.spawn.gone);
  assert_false(house.result.has_value());
}

static void noop_succeeds_or_fails_as_it_is_told(void**) {
  House house;
  auto call = house.execute("noop", R"({"whatever":[1]})");
  house.until_result();
  assert_true(house.result->ok());
  assert_int_equal(house.result->exit_class, ExitClass::none);
  house.result.reset();
  call = house.execute("noop", R"({"fail":"as it was told"})");
  house.until_result();
  assert_error(*house.result, ExitClass::none, "runtime", "as it was told");
}

static void sleep_ends_on_time_or_is_stopped(void**) {
  House house;
  auto call = house.execute("sleep", R"({"seconds":0.01})");
  house.until_result();
  assert_true(house.result->ok());
  assert_in_range(house.result->duration.count(), 9, 30'000);
  house.result.reset();
  call = house.execute("sleep", R"({"seconds":600000})");
  call->stop();
  assert_false(house.result.has_value());
  house.until_result();
  assert_error(*house.result, ExitClass::stopped, "cancelled", "was stopped on request");
  house.result.reset();
  auto run = House::run_of("sleep", R"({"seconds":600000})");
  run.envelope.timeout = 20ms;
  call = house.execute(run);
  house.until_result();
  assert_error(*house.result, ExitClass::timed_out, "timeout", "did not end within its timeout of 20ms");
  house.result.reset();
  call = house.execute("sleep", R"({"seconds":600000})");
  call.reset();  // forgotten: the loop drains
}

static void a_call_may_go_inside_its_own_end(void**) {
  House house;
  std::unique_ptr<core::ExecutorCall> call;
  for (const char* kind : {"noop", "sleep"}) {
    bool ended = false;
    call = house.registry.find(kind)->execute(House::run_of(kind, R"({"seconds":0})"), nullptr,
                                              [&](const TaskResult& result) {
                                                call.reset();
                                                ended = result.ok();
                                              });
    run_until(house.loop, [&] { return ended; }, "its end");
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_what_is_allowed_is_registered),
      cmocka_unit_test(a_kind_has_one_executor),
      cmocka_unit_test(a_script_runs_as_its_settings_say),
      cmocka_unit_test(without_a_sandbox_nothing_is_taken_away),
      cmocka_unit_test(hostile_words_stay_words),
      cmocka_unit_test(bad_payloads_are_refused_with_every_fault),
      cmocka_unit_test(stops_renewals_and_output_pass_through),
      cmocka_unit_test(noop_succeeds_or_fails_as_it_is_told),
      cmocka_unit_test(sleep_ends_on_time_or_is_stopped),
      cmocka_unit_test(a_call_may_go_inside_its_own_end),
  };
  return cmocka_run_group_tests_name("exec_executors", tests, nullptr, nullptr);
}
