// One test's scene: fresh data, one or two daemons on them, and every call of the port as a plain function
// that runs the loop until it is answered.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "contract/store_fixture.hpp"
#include "core/task_store.hpp"
#include "run_loop.hpp"

namespace fairlead::contract {

using namespace std::chrono_literals;
using core::Epoch;
using core::TaskId;
using core::TaskState;
using core::WaitsFor;

using Tests = std::vector<CMUnitTest>;

// The fixture of this executable; made by main().
StoreFixture& fixture();

inline std::string text_of(const base::Error& error) {
  return std::string(to_string(error.code)) + ": " + error.text();
}

template <typename T>
T value_of(base::Result<T> result) {
  if (!result) fail_msg("refused: %s", text_of(result.error()).c_str());
  return std::move(*result);
}

// A task that a worker with the capability "job" can take.
core::TaskEnvelope envelope(std::string kind = "job");

// What is told of a submission in one line: the rest has defaults.
struct Wish {
  std::string kind = "job";
  int priority = 100;
  std::vector<std::string> locks = {};
  std::vector<TaskId> depends_on = {};
  std::string key = {};
  std::string target = {};
  std::optional<base::WallTime> run_at = std::nullopt;
  int max_attempts = 4;
  core::OnLeaseLoss on_lease_loss = core::OnLeaseLoss::stop;
  base::Millis timeout{600'000};
};
core::Submission submission(const Wish& wish);

// A worker as a test drives it, at one daemon.
struct TestWorker {
  core::TaskStore* store = nullptr;
  core::WorkerKey key;
  std::vector<std::string> routes = {"job@"};
};

class Scene {
 public:
  Scene();
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  core::TaskStore& first() { return *stores_[0]; }
  core::TaskStore& second();  // another daemon on the same data
  std::unique_ptr<core::TaskStore> begin_another();

  // Runs `call` with a place for its answer, and the loop until it is there.
  template <typename T>
  base::Result<T> ask(const std::function<void(core::Answer<T>)>& call) {
    std::optional<base::Result<T>> answer;
    bool inside = true;
    call([&](base::Result<T> result) {
      assert_false(inside);  // never from inside the call
      assert_false(answer.has_value());
      answer.emplace(std::move(result));
    });
    inside = false;
    run_until(loop, [&] { return answer.has_value(); }, "an answer of the store");
    return std::move(*answer);
  }

  // --- submitters
  base::Result<core::Submitted> try_submit(const Wish& wish, core::TaskStore* store = nullptr);
  core::Submitted submit(const Wish& wish = {}, core::TaskStore* store = nullptr);
  TaskId add(const Wish& wish = {}) { return submit(wish).id; }
  std::vector<base::Result<core::Submitted>> submit_all(std::vector<core::Submission> tasks);

  // --- workers
  base::Result<core::WorkerKey> try_register(core::TaskStore& store, const std::string& name,
                                             std::vector<core::Started> keeps = {}, base::Millis lease = 30s);
  TestWorker worker(const std::string& name = "anna", core::TaskStore* store = nullptr);
  core::ExchangeOutcome exchange(const TestWorker& worker, core::Exchange exchange);
  std::vector<core::Claimed> claim(const TestWorker& worker, int most = 100);
  core::Claimed claim_one(const TestWorker& worker);  // exactly one is there
  core::ExchangeOutcome report(const TestWorker& worker, core::Report report);
  void finish(const TestWorker& worker, const core::Claimed& task);  // done, and accepted
  core::BeatOutcome beat(const TestWorker& worker, base::Millis lease = 30s);
  core::Tending tend(core::TendSettings settings = {}, core::TaskStore* store = nullptr);
  // Calls tend() until there is nothing more, and sums up.
  core::Tending tend_all(core::TendSettings settings = {}, core::TaskStore* store = nullptr);

  // --- operators
  base::Result<core::OrderOutcome> try_order(TaskId id, core::TaskOrder order);
  core::OrderOutcome order(TaskId id, core::TaskOrder order);
  void pause(core::Pause::Scope scope, const std::string& name, std::optional<base::WallTime> until = {});
  base::Result<> try_resume(core::Pause::Scope scope, const std::string& name);
  std::vector<core::Pause> pauses();
  core::TaskDetail detail(TaskId id);
  core::TaskRecord record(TaskId id) { return detail(id).task; }
  std::vector<TaskId> ids(core::TaskFilter filter = {});
  std::vector<core::TaskRecord> list(core::TaskFilter filter = {});
  core::QueueStats stats();
  std::vector<core::WorkerRecord> workers();
  void pass_time(base::Millis time) { fixture().pass_time(time); }

  loop::Loop loop;
  base::Log log;
  int hints = 0;  // of the first daemon

 private:
  std::vector<std::unique_ptr<core::TaskStore>> stores_;
};

core::Report report_of(const core::Claimed& claimed,
                       core::Report::Outcome outcome = core::Report::Outcome::done);
void assert_state(const core::TaskRecord& task, TaskState state);
void assert_waits(const core::TaskRecord& task, WaitsFor waits, const char* detail = "");
void assert_ids(const std::vector<TaskId>& found, const std::vector<TaskId>& expected);
std::vector<TaskId> ids_of(const std::vector<core::Claimed>& claimed);
bool has_note(const core::TaskDetail& detail, core::NoteKind kind);
std::string events_of(const core::TaskDetail& detail);             // "submitted claimed started succeeded"
std::string events_of(const std::vector<core::TaskChange>& made);  // the same

// The subjects, one a file.
Tests claim_tests();
Tests clock_tests();
Tests dependency_tests();
Tests end_tests();
Tests fencing_tests();
Tests history_tests();
Tests lock_tests();
Tests mix_tests();
Tests order_tests();
Tests pause_tests();
Tests query_tests();
Tests store_tests();
Tests submit_tests();
Tests time_tests();
Tests worker_tests();

}  // namespace fairlead::contract
