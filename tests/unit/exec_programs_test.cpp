// The executors with the real spawner behind them: what a program really gets, what becomes of it, and that
// one whose file was changed does not run.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"
#include "exec/executors.hpp"
#include "exec/spawner.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::ExitClass;
using core::TaskResult;

namespace {

struct House {
  loop::Loop loop;
  base::Log log;
  std::string folder;  // of the test, for its programs
  core::ExecutorSettings settings;
  std::optional<exec::Spawner> spawner;
  std::string output;

  House() {
    const char* host = std::getenv("FAIRLEAD_TEST_HOST");  // set by meson
    assert_non_null(host);
    char made[] = "/tmp/fairlead-test.XXXXXX";
    assert_non_null(::mkdtemp(made));
    folder = made;
    spawner.emplace(loop, log, host);
    settings.run_bash.emplace();
    settings.run_python.emplace();
  }
  ~House() {
    spawner.reset();
    assert_true(loop.drain(30s).ok());
    assert_int_equal(::waitpid(-1, nullptr, WNOHANG), -1);  // no zombie, nothing running
    assert_int_equal(errno, ECHILD);
    std::filesystem::remove_all(folder);
  }

  std::string path(const std::string& name) const { return folder + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    assert_true(base::replace_file(path(name), text, 0700).ok());
  }
  // An allowed shell script; the hash is that of `text`.
  core::ScriptProgram& allow(const std::string& name, const std::string& text) {
    write(name, text);
    core::ScriptProgram script;
    script.path = path(name);
    script.sha256 = base::sha256_hex(text);
    script.accepts_args = true;
    return settings.scripts[name] = script;
  }
  TaskResult run(const core::TaskRun& run) {
    core::ExecutorRegistry registry;
    exec::add_executors(registry, settings, loop, *spawner);
    std::optional<TaskResult> result;
    auto* executor = registry.find(run.envelope.kind);
    assert_non_null(executor);
    const auto call = executor->execute(
        run, [this](bool, std::string_view bytes) { output += bytes; },
        [&](TaskResult got) { result = std::move(got); });
    run_until(loop, [&] { return result.has_value(); }, "the result");
    return *result;
  }
  static core::TaskRun task(const char* kind, const std::string& payload) {
    core::TaskRun run;
    run.id = core::TaskId(42);
    run.epoch = core::Epoch(7);
    run.envelope.kind = kind;
    run.envelope.payload = payload;
    return run;
  }
  TaskResult run(const char* kind, const std::string& payload) { return run(task(kind, payload)); }
};

}  // namespace

static void an_allowed_script_runs_with_its_input(void**) {
  House house;
  house.allow("greet", "#!/bin/sh\nread -r line; echo \"got $line, $1\"; echo aside >&2; exit 4\n");
  const auto result = house.run("script", R"({"program":"greet","args":["you"],"input":"a line\n"})");
  assert_text_equal(result.error.message, "exited with status 4");
  assert_int_equal(result.exit_class, ExitClass::failure);
  assert_int_equal(result.exit_status, 4);
  assert_text_equal(result.out.head, "got a line, you\n");
  assert_text_equal(result.err.head, "aside\n");
  assert_non_null(strstr(result.sandbox.c_str(), "no_new_privs"));
  assert_non_null(strstr(house.output.c_str(), "got a line, you\n"));
}

static void a_changed_script_does_not_run(void**) {
  House house;
  house.allow("changed", "#!/bin/sh\ntrue\n").program.sandbox = false;
  house.write("changed", "#!/bin/sh\ntouch " + house.path("ran") + "\n");
  const auto result = house.run("script", R"({"program":"changed"})");
  assert_text_equal(result.error.code, "forbidden");
  assert_int_equal(result.exit_class, ExitClass::not_started);
  assert_non_null(strstr(result.error.message.c_str(), "SHA-256"));
  assert_false(base::exists(house.path("ran")));
}

static void a_program_gets_the_environment_that_is_promised_and_no_more(void**) {
  ::setenv("DAEMON_SECRET", "must stay here", 1);
  ::setenv("TZ", "UTC", 1);
  House house;
  auto& script = house.allow("env", "unused: the program is the one that prints it");
  script.path = "/usr/bin/env";
  script.sha256.clear();
  script.program.environment = {{"LANG", "C"}};
  script.program.inherit = {"TZ"};
  script.program.sandbox = false;
  script.program.input = core::TaskInput::file;
  auto result = house.run("script", R"({"program":"env","input":{"a":1}})");
  assert_true(result.ok());
  std::vector<std::string> names;
  for (const auto line : base::split(result.out.head, '\n'))
    if (!line.empty() && !line.starts_with("FAIRLEAD_INPUT_FILE=/")) names.emplace_back(line);
  std::sort(names.begin(), names.end());
  const std::vector<std::string> expected = {"FAIRLEAD_ATTEMPT=1",
                                             "FAIRLEAD_EPOCH=7",
                                             "FAIRLEAD_TASK_ID=42",
                                             "LANG=C",
                                             "PATH=/usr/local/bin:/usr/bin:/bin",
                                             "TZ=UTC"};
  assert_int_equal(names.size(), expected.size());
  for (std::size_t i = 0; i < names.size(); ++i) assert_text_equal(names[i], expected[i]);
}

static void input_may_be_a_private_file_that_goes_again(void**) {
  House house;
  house.settings.run_bash->input = core::TaskInput::file;
  const auto result = house.run(
      "run_bash",
      R"({"text":"cat; stat -c %a \"$FAIRLEAD_INPUT_FILE\"; cat \"$FAIRLEAD_INPUT_FILE\"; echo; echo \"$FAIRLEAD_INPUT_FILE\"","input":{"a":1}})");
  assert_text_equal(result.error.message, "");
  const std::string start = "600\n{\"a\":1}\n";
  assert_true(result.out.head.starts_with(start));
  const std::string file = result.out.head.substr(start.size(), result.out.head.size() - start.size() - 1);
  assert_true(file.starts_with('/'));
  assert_false(base::exists(file));
}

static void hostile_arguments_arrive_as_bytes(void**) {
  House house;
  const std::string text = "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\n";
  house.allow("words", text);
  const std::string touched = house.path("touched");
  const std::string hostile[] = {"\"; touch " + touched + "; \"",
                                 "$(touch " + touched + ")",
                                 "`touch " + touched + "`",
                                 "a\nb",
                                 "--",
                                 "é",
                                 "*",
                                 ""};
  auto args = base::Json::array();
  std::string expected;
  for (const auto& word : hostile) {
    args.push(word);
    expected += "<" + word + ">";
  }
  auto payload = base::Json::object();
  payload.set("program", "words").set("args", base::Json::copy(args.view()));
  assert_text_equal(house.run("script", payload.dump()).out.head, expected);
  auto inline_payload = base::Json::object();
  inline_payload.set("text", "for word; do printf '<%s>' \"$word\"; done")
      .set("args", base::Json::copy(args.view()));
  assert_text_equal(house.run("run_bash", inline_payload.dump()).out.head, expected);
  auto python = base::Json::object();
  python.set("text", "import sys\nfor word in sys.argv[1:]: print(f'<{word}>', end='')")
      .set("args", std::move(args));
  assert_text_equal(house.run("run_python", python.dump()).out.head, expected);
  assert_false(base::exists(touched));
}

static void a_late_program_is_ended(void**) {
  House house;
  auto late = House::task("run_bash", R"({"text":"echo begun; exec sleep 1000"})");
  late.envelope.timeout = 300ms;
  const auto result = house.run(late);
  assert_int_equal(result.exit_class, ExitClass::timed_out);
  assert_text_equal(result.error.code, "timeout");
  auto lost = House::task("run_bash", R"({"text":"exec sleep 1000"})");
  lost.lease_until = base::BootClock::now() + 300ms;
  assert_text_equal(house.run(lost).error.code, "lost_worker");
}

static void a_stopped_program_says_so(void**) {
  House house;
  core::ExecutorRegistry registry;
  exec::add_executors(registry, house.settings, house.loop, *house.spawner);
  std::optional<TaskResult> result;
  const auto call = registry.find("run_bash")
                        ->execute(House::task("run_bash", R"({"text":"exec sleep 1000"})"), nullptr,
                                  [&](TaskResult got) { result = std::move(got); });
  call->stop();
  run_until(house.loop, [&] { return result.has_value(); }, "the result");
  assert_int_equal(result->exit_class, ExitClass::stopped);
  assert_text_equal(result->error.code, "cancelled");
}

static void long_output_is_cut_in_the_middle(void**) {
  House house;
  house.settings.run_bash->output_bytes = 1024;
  const auto result =
      house.run("run_bash", R"({"text":"echo first; yes | head -c 100000; echo; echo last"})");
  assert_true(result.ok());
  assert_true(result.out.truncated);
  assert_int_equal(result.out.total, 6 + 100'000 + 1 + 5);
  assert_true(result.out.head.starts_with("first\n") && result.out.head.size() == 512);
  assert_true(result.out.tail.ends_with("\nlast\n") && result.out.tail.size() == 512);
  assert_false(result.err.truncated);
}

static void printed_json_is_data(void**) {
  House house;
  const auto result =
      house.run("run_python", R"_({"text":"import json; print(json.dumps({'free': [1, 'é']}))"})_");
  assert_true(result.ok());
  assert_text_equal(result.data, R"({"free":[1,"é"]})");
}

// What holds depends on the kernel, and is told: where there is no Landlock, nothing says that there is.
static void a_sandboxed_program_writes_only_where_it_may(void**) {
  House house;
  house.settings.run_bash->writable = {house.folder};
  house.settings.run_bash->network = false;
  const std::string outside = "/tmp/fairlead-test-outside." + std::to_string(::getpid());
  auto payload = base::Json::object();
  payload.set("text",
              "touch \"$1\" && touch \"$TMPDIR/x\" && echo > /dev/null || exit 3; touch \"$2\"; true");
  auto args = base::Json::array();
  args.push(house.path("inside")).push(outside);
  payload.set("args", std::move(args));
  const auto result = house.run("run_bash", payload.dump());
  const bool written = base::exists(outside);
  ::unlink(outside.c_str());
  assert_text_equal(result.error.message, "");
  assert_true(base::exists(house.path("inside")));
  const bool landlock = result.sandbox.find("landlock") != std::string::npos;
  assert_true(landlock == !written);
  assert_non_null(strstr(result.sandbox.c_str(), "seccomp"));
  assert_non_null(strstr(result.sandbox.c_str(), "no network"));
}

static void a_program_that_is_not_there_was_not_started(void**) {
  House house;
  house.allow("missing", "#!/bin/sh\n");
  assert_int_equal(::unlink(house.path("missing").c_str()), 0);
  const auto result = house.run("script", R"({"program":"missing"})");
  assert_int_equal(result.exit_class, ExitClass::not_started);
  assert_text_equal(result.error.code, "not_started");
  assert_non_null(strstr(result.error.message.c_str(), "missing"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_allowed_script_runs_with_its_input),
      cmocka_unit_test(a_changed_script_does_not_run),
      cmocka_unit_test(a_program_gets_the_environment_that_is_promised_and_no_more),
      cmocka_unit_test(input_may_be_a_private_file_that_goes_again),
      cmocka_unit_test(hostile_arguments_arrive_as_bytes),
      cmocka_unit_test(a_late_program_is_ended),
      cmocka_unit_test(a_stopped_program_says_so),
      cmocka_unit_test(long_output_is_cut_in_the_middle),
      cmocka_unit_test(printed_json_is_data),
      cmocka_unit_test(a_sandboxed_program_writes_only_where_it_may),
      cmocka_unit_test(a_program_that_is_not_there_was_not_started),
  };
  return cmocka_run_group_tests_name("exec_programs", tests, nullptr, nullptr);
}
