// The executors over a spawner that starts nothing; for the tests of what they ask it for, and of what they
// make of its answers.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "exec/executors.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::ExitClass;
using core::TaskResult;

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

inline core::ExecutorSettings everything() {
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
    const auto executor = registry.find(run.envelope.kind);
    assert_true(executor != nullptr);
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

inline core::ChildResult child(core::ChildEnd end, int status, std::string out = {}) {
  core::ChildResult result;
  result.end = end;
  result.status = status;
  result.out.head = std::move(out);
  result.out.total = result.out.head.size();
  result.duration = 12ms;
  return result;
}

inline void assert_words(const std::vector<std::string>& actual, const std::vector<std::string>& expected) {
  assert_int_equal(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) assert_text_equal(actual[i], expected[i]);
}

inline void assert_error(const TaskResult& result, ExitClass exit_class, std::string_view code,
                         std::string_view message) {
  assert_int_equal(result.exit_class, exit_class);
  assert_text_equal(result.error.code, code);
  assert_text_equal(result.error.message, message);
}
