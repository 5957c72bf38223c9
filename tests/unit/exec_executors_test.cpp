// The executors over a spawner that starts nothing: what they ask it for, what they make of its answers, and
// what they refuse before they ask.
#include "exec/executors.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "cmocka.hpp"
#include "exec/payload.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::ExitClass;
using core::TaskResult;

namespace {

// Keeps what it was asked for; the test says when and how a child ends.
class ScriptedSpawn final : public core::SpawnPort {
 public:
  struct Child final : core::ChildCall {
    explicit Child(ScriptedSpawn& owner) : spawn(owner) {}
    ~Child() override { spawn.gone = true; }
    void end() override { spawn.ended = true; }
    void renew_lease(base::BootTime until) override { spawn.renewed = until; }
    ScriptedSpawn& spawn;
  };
  std::unique_ptr<core::ChildCall> start(core::ChildSpec asked, Done told, OnOutput pieces) override {
    ++started;
    spec = std::move(asked);
    done = std::move(told);
    on_output = std::move(pieces);
    return std::make_unique<Child>(*this);
  }
  const std::string* variable(std::string_view name) const {
    const auto found = std::find_if(spec.environment.begin(), spec.environment.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found == spec.environment.end() ? nullptr : &found->second;
  }

  int started = 0;
  core::ChildSpec spec;
  Done done;
  OnOutput on_output;
  bool ended = false, gone = false;
  std::optional<base::BootTime> renewed;
};

core::ExecutorSettings everything() {
  core::ExecutorSettings settings;
  core::ScriptProgram backup;
  backup.path = "/usr/local/lib/backup";
  backup.sha256 = std::string(64, 'a');
  backup.args = {"--all"};
  settings.scripts.emplace("nightly-backup", backup);
  backup.accepts_args = true;
  settings.scripts.emplace("any-args", backup);
  settings.run_bash.emplace();
  settings.run_python.emplace();
  settings.noop = settings.sleep = true;
  return settings;
}

struct House {
  loop::Loop loop;
  ScriptedSpawn spawn;
  core::ExecutorRegistry registry;
  std::optional<TaskResult> result;
  std::string output;

  explicit House(const core::ExecutorSettings& settings = everything()) {
    exec::add_executors(registry, settings, loop, spawn);
  }
  ~House() { assert_true(loop.drain(30s).ok()); }

  static core::TaskRun run_of(std::string_view kind, std::string_view payload) {
    core::TaskRun run;
    run.id = core::TaskId(42);
    run.epoch = core::Epoch(7);
    run.attempt = 2;
    run.envelope.kind = kind;
    run.envelope.payload = payload;
    run.envelope.trace_id = "0af7651916cd43dd8448eb211c80319c";
    run.envelope.timeout = 90s;
    run.lease_until = base::BootTime(5000ms);
    return run;
  }
  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run) {
    auto* executor = registry.find(run.envelope.kind);
    assert_non_null(executor);
    auto call = executor->execute(
        run, [this](bool, std::string_view bytes) { output += bytes; },
        [this](TaskResult got) { result = std::move(got); });
    assert_false(result.has_value());  // never from inside execute()
    return call;
  }
  std::unique_ptr<core::ExecutorCall> execute(std::string_view kind, std::string_view payload) {
    return execute(run_of(kind, payload));
  }
  base::Error refusal(std::string_view kind, std::string_view payload) {
    const auto good = registry.find(kind)->validate_pre(run_of(kind, payload).envelope);
    if (good) fail_msg("%s takes %s", std::string(kind).c_str(), std::string(payload).c_str());
    return good.error();
  }
  // Of a script whose child ends so.
  TaskResult result_of(base::Result<core::ChildResult> outcome, bool stop = false) {
    const auto call = execute("script", R"({"program":"nightly-backup"})");
    if (stop) call->stop();
    spawn.done(std::move(outcome));
    assert_true(result.has_value());
    return *std::exchange(result, std::nullopt);
  }
  void until_result() {
    run_until(loop, [&] { return result.has_value(); }, "the result");
  }
};

core::ChildResult child(core::ChildEnd end, int status, std::string out = {}) {
  core::ChildResult result;
  result.end = end;
  result.status = status;
  result.out.head = std::move(out);
  result.out.total = result.out.head.size();
  result.duration = 12ms;
  return result;
}

void assert_words(const std::vector<std::string>& actual, const std::vector<std::string>& expected) {
  assert_int_equal(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) assert_text_equal(actual[i], expected[i]);
}

void assert_error(const TaskResult& result, ExitClass exit_class, std::string_view code,
                  std::string_view message) {
  assert_int_equal(result.exit_class, exit_class);
  assert_text_equal(result.error.code, code);
  assert_text_equal(result.error.message, message);
}

}  // namespace

static void only_what_is_allowed_is_registered(void**) {
  House all;
  const auto kinds = all.registry.kinds();
  assert_words({kinds.begin(), kinds.end()}, {"noop", "run_bash", "run_python", "script", "sleep"});
  House none{core::ExecutorSettings{}};
  assert_true(none.registry.kinds().empty());
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

static void every_end_has_its_class_and_code(void**) {
  House house;
  using core::ChildEnd;
  const auto good = house.result_of(child(ChildEnd::exited, 0, "fine\n"));
  assert_true(good.ok());
  assert_int_equal(good.exit_class, ExitClass::success);
  assert_text_equal(good.out.head, "fine\n");
  assert_int_equal(good.duration.count(), 12);
  const auto failed = house.result_of(child(ChildEnd::exited, 3));
  assert_error(failed, ExitClass::failure, "runtime", "exited with status 3");
  assert_int_equal(failed.exit_status, 3);
  const auto killed = house.result_of(child(ChildEnd::signalled, 9));
  assert_error(killed, ExitClass::signalled, "runtime", "was ended by signal 9 (SIGKILL)");
  assert_int_equal(killed.exit_status, 9);
  assert_error(house.result_of(child(ChildEnd::timed_out, 15)), ExitClass::timed_out, "timeout",
               "did not end within its timeout of 1m 30s");
  assert_error(house.result_of(child(ChildEnd::killed, 9)), ExitClass::stopped, "lost_worker",
               "was killed because its worker's lease ran out");
  assert_error(house.result_of(child(ChildEnd::killed, 15), true), ExitClass::stopped, "cancelled",
               "was stopped on request");
  assert_true(house.result_of(child(ChildEnd::exited, 0), true).ok());  // it ended by itself before
}

static void what_did_not_start_says_why(void**) {
  House house;
  const auto outcome = [&](base::Code code) {
    return house.result_of(base::Error{code, "what happened", "/usr/local/lib/backup"});
  };
  const char* text = "/usr/local/lib/backup: what happened";
  assert_error(outcome(base::Code::forbidden), ExitClass::not_started, "forbidden", text);
  for (const auto code :
       {base::Code::not_found, base::Code::io, base::Code::bad_request, base::Code::unsupported})
    assert_error(outcome(code), ExitClass::not_started, "not_started", text);
  assert_error(outcome(base::Code::unavailable), ExitClass::stopped, "runtime", text);
  assert_error(outcome(base::Code::cancelled), ExitClass::stopped, "cancelled", text);
}

static void output_is_text_and_says_what_is_missing(void**) {
  House house;
  auto ended = child(core::ChildEnd::exited, 0);
  ended.out = {"whole ", "all the same", 18};
  ended.err = {"bytes \xff", "", 7};
  ended.level.no_new_privs = ended.level.seccomp = true;
  auto result = house.result_of(ended);
  assert_text_equal(result.out.head, "whole all the same");
  assert_text_equal(result.out.tail, "");
  assert_false(result.out.truncated);
  assert_text_equal(result.err.head, "bytes \xef\xbf\xbd");
  assert_text_equal(result.sandbox, ended.level.text());
  // Cut inside characters: two bytes of "€" at the end of the head, the last of "€" before the tail.
  ended.out = {"price \xe2\x82", "\xac and on", 1000};
  result = house.result_of(ended);
  assert_text_equal(result.out.head, "price ");
  assert_text_equal(result.out.tail, " and on");
  assert_true(result.out.truncated);
  assert_int_equal(result.out.total, 1000);
  ended.out = {"whole €", "äh", 1000};  // nothing cut, nothing lost
  result = house.result_of(ended);
  assert_text_equal(result.out.head, "whole €");
  assert_text_equal(result.out.tail, "äh");
}

static void one_json_value_becomes_data(void**) {
  House house;
  const auto data = [&](std::string out) {
    return house.result_of(child(core::ChildEnd::exited, 0, std::move(out))).data;
  };
  assert_text_equal(data("{\"free\": 12}\n"), R"({"free":12})");
  assert_text_equal(data(" [1,2]"), "[1,2]");
  for (const char* other : {"", "42\n", "\"text\"", "{} {}", "{", "log line\n{}"})
    assert_text_equal(data(other), "");
  assert_text_equal(data("[\"" + std::string(64u << 10, 'x') + "\"]"), "");
  auto cut = child(core::ChildEnd::exited, 0, "{}");
  cut.out.total = 100;
  assert_text_equal(house.result_of(cut).data, "");
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
      cmocka_unit_test(a_script_runs_as_its_settings_say),
      cmocka_unit_test(without_a_sandbox_nothing_is_taken_away),
      cmocka_unit_test(hostile_words_stay_words),
      cmocka_unit_test(bad_payloads_are_refused_with_every_fault),
      cmocka_unit_test(every_end_has_its_class_and_code),
      cmocka_unit_test(what_did_not_start_says_why),
      cmocka_unit_test(output_is_text_and_says_what_is_missing),
      cmocka_unit_test(one_json_value_becomes_data),
      cmocka_unit_test(stops_renewals_and_output_pass_through),
      cmocka_unit_test(noop_succeeds_or_fails_as_it_is_told),
      cmocka_unit_test(sleep_ends_on_time_or_is_stopped),
      cmocka_unit_test(a_call_may_go_inside_its_own_end),
  };
  return cmocka_run_group_tests_name("exec_executors", tests, nullptr, nullptr);
}
