// A store that does as the test says, and an executor whose attempts the test ends: what a Worker lives
// between.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "core/executor.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "run_loop.hpp"
#include "worker/worker.hpp"

namespace worker_scene {

using namespace fairlead;

// Answers what the test has prepared; everything else that a worker does not ask is a failure.
class ScriptedStore final : public core::TaskStore {
 public:
  explicit ScriptedStore(loop::Loop& loop) : loop_(loop) {}

  core::StoreStatus now{core::StoreStatus::State::open, "scripted", "here", 1, "local", "", {}};
  bool away = false;        // every call ends with `unavailable`
  core::TaskId refuses{0};  // exchanges with a report of this task fail
  bool hold = false;        // exchanges wait for answer_held()
  bool lease_live = true;
  bool draining = false;
  int registrations = 0, beats = 0, looks = 0;
  std::vector<core::Started> kept;        // of the last registration
  std::deque<core::TaskRecord> ready;     // claimed by the next exchanges
  std::optional<base::Millis> own_end;    // of what is claimed
  std::vector<core::StopRequest> stops;   // told with the next answer
  std::vector<core::Exchange> exchanges;  // as they came
  std::vector<core::Report> taken;
  std::vector<core::Started> started;
  bool left = false;
  std::vector<core::WorkerRecord> others;  // that the store knows

  std::vector<std::string> outcomes() const {
    std::vector<std::string> names;
    for (const auto& report : taken) names.emplace_back(core::to_string(report.outcome));
    return names;
  }

  void begin(std::function<void()>, std::function<void()>, core::Opening) override {}
  core::StoreStatus status() const override { return now; }
  void stop(base::Millis, std::function<void()> gone) override { later(gone); }
  void register_worker(core::WorkerInfo info, base::Millis, std::vector<core::Started> keeps,
                       core::Answer<core::WorkerKey> done) override {
    if (away) return later([done] { done(gone()); });
    kept = std::move(keeps);
    lease_live = true;
    later([done, key = core::WorkerKey{info.name, ++registrations}] { done(key); });
  }
  void beat(core::Beat, core::Answer<core::BeatOutcome> done) override {
    if (away) return later([done] { done(gone()); });
    ++beats;
    later([done, outcome = core::BeatOutcome{lease_live, draining, std::exchange(stops, {})}] {
      done(outcome);
    });
  }
  void exchange(core::Exchange exchange, core::Answer<core::ExchangeOutcome> done) override {
    exchanges.push_back(exchange);
    if (hold)
      held.emplace_back(std::move(exchange), std::move(done));
    else
      answer(exchange, done);
  }
  std::deque<std::pair<core::Exchange, core::Answer<core::ExchangeOutcome>>> held;
  void answer_held() {  // the oldest
    const auto [exchange, done] = std::move(held.front());
    held.pop_front();
    answer(exchange, done);
  }
  void answer(const core::Exchange& exchange, const core::Answer<core::ExchangeOutcome>& done) {
    if (away) return later([done] { done(gone()); });
    for (const auto& report : exchange.reports)
      if (report.id == refuses)
        return later([done] { done(base::Error{base::Code::internal, "it cannot be taken", {}}); });
    core::ExchangeOutcome outcome;
    outcome.lease_live = lease_live;
    for (const auto& report : exchange.reports) {
      taken.push_back(report);
      outcome.reports.push_back({report.id, lease_live, core::TaskState::done});
    }
    started.insert(started.end(), exchange.started.begin(), exchange.started.end());
    for (int i = 0; i < exchange.most && !ready.empty(); ++i) {
      outcome.claimed.push_back({ready.front(), own_end});
      ready.pop_front();
    }
    outcome.stops = std::exchange(stops, {});
    later([done, outcome] { done(outcome); });
  }
  void leave(core::WorkerKey, core::Answer<base::Unit> done) override {
    left = true;
    later([done] { done(base::Unit{}); });
  }

  void submit(std::vector<core::Submission>,
              core::Answer<std::vector<base::Result<core::Submitted>>>) override {
    never();
  }
  void tend(core::TendSettings, core::Answer<core::Tending>) override { never(); }
  void find(core::TaskId, core::Answer<core::TaskDetail>) override { never(); }
  void list(core::TaskFilter, core::Answer<std::vector<core::TaskRecord>>) override { never(); }
  void order(core::TaskId, core::TaskOrder, core::Actor, core::Answer<core::OrderOutcome>) override {
    never();
  }
  void pause(core::Pause, core::Answer<base::Unit>) override { never(); }
  void resume(core::Pause::Scope, std::string, core::Answer<base::Unit>) override { never(); }
  void pauses(core::Answer<std::vector<core::Pause>>) override { never(); }
  void stats(core::Answer<core::QueueStats>) override { never(); }
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override {
    ++looks;
    later([done, workers = others] { done(workers); });
  }
  void drain(std::string, bool, core::Answer<base::Unit>) override { never(); }

 private:
  static base::Error gone() { return {base::Code::unavailable, "the store is away", {}}; }
  static void never() { fail_msg("a worker does not ask that"); }
  void later(std::function<void()> function) {
    queue_.push_back(std::move(function));
    deliver_.schedule();
  }

  loop::Loop& loop_;
  std::vector<std::function<void()>> queue_;
  loop::Deferred deliver_{loop_, "scripted-store", [this] {
                            for (const auto& function : std::exchange(queue_, {})) function();
                          }};
};

// Attempts of kind "test" go on until end() is called for their task; stop() ends them as a child would.
class HandExecutor final : public core::Executor {
 public:
  explicit HandExecutor(loop::Loop& loop) : loop_(loop) {}

  std::map<core::TaskId, core::TaskRun> runs;  // under way
  std::map<core::TaskId, base::BootTime> leases;
  bool valid = true, valid_after = true;
  int rolled_back = 0;

  void end(core::TaskId task, core::TaskResult result) {
    const auto found = dones_.find(task);
    assert_true(found != dones_.end());
    ended_.push_back([done = found->second, result] { done(result); });
    forget(task);
    deliver_.schedule();
  }

  std::string_view kind() const override { return "test"; }
  base::Result<> validate_pre(const core::TaskEnvelope&) const override {
    if (!valid) return base::Error{base::Code::bad_request, "the payload is odd", {}};
    return base::success();
  }
  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run, OnOutput, Done done) override {
    runs[run.id] = run;
    leases[run.id] = run.lease_until.value_or(base::BootTime{});
    dones_[run.id] = std::move(done);
    return std::make_unique<Call>(*this, run.id);
  }
  base::Result<> validate_post(const core::TaskEnvelope&, const core::TaskResult&) const override {
    if (!valid_after) return base::Error{base::Code::bad_request, "the result is odd", {}};
    return base::success();
  }
  std::unique_ptr<core::ExecutorCall> rollback(const core::TaskRun& run, const core::TaskResult&,
                                               Done done) override {
    ++rolled_back;
    ended_.push_back([done] { done({}); });
    deliver_.schedule();
    return std::make_unique<Call>(*this, run.id);
  }

 private:
  class Call final : public core::ExecutorCall {
   public:
    Call(HandExecutor& owner, core::TaskId task) : owner_(owner), task_(task) {}
    ~Call() override { owner_.forget(task_); }
    void stop() override {
      core::TaskResult result;
      result.exit_class = core::ExitClass::stopped;
      result.error = core::make_task_error(core::task_error::kRuntime, "stopped");
      if (owner_.dones_.count(task_) != 0) owner_.end(task_, result);
    }
    void renew_lease(base::BootTime until) override { owner_.leases[task_] = until; }

   private:
    HandExecutor& owner_;
    core::TaskId task_;
  };
  void forget(core::TaskId task) {
    runs.erase(task);
    dones_.erase(task);
  }

  loop::Loop& loop_;
  std::map<core::TaskId, Done> dones_;
  std::vector<std::function<void()>> ended_;
  loop::Deferred deliver_{loop_, "hand-executor", [this] {
                            for (const auto& function : std::exchange(ended_, {})) function();
                          }};
};

inline core::TaskRecord a_task(int id, const std::string& capability = "test") {
  core::TaskRecord task;
  task.id = core::TaskId{id};
  task.epoch = core::Epoch{1};
  task.attempt = 1;
  task.envelope.kind = "test";
  task.envelope.capability = capability;
  task.route = core::route_of(capability, "");
  task.state = core::TaskState::claimed;
  return task;
}

inline core::TaskResult failure(std::string_view code = core::task_error::kRuntime) {
  core::TaskResult result;
  result.exit_class = core::ExitClass::failure;
  result.exit_status = 1;
  result.error = core::make_task_error(code, "exit status 1");
  return result;
}

inline core::WorkerSettings settings() {
  core::WorkerSettings settings;
  settings.enabled = true;
  settings.name = settings.node = "nas";
  settings.site = "attic";
  settings.capabilities = {"test"};
  settings.concurrency = 2;
  settings.stop_deadline = kGenerous;
  return settings;
}

// A worker between the two.
struct Scene {
  loop::Loop loop;
  base::Log log;
  ScriptedStore store{loop};
  HandExecutor* executor = nullptr;
  core::ExecutorRegistry executors;
  std::unique_ptr<worker::Worker> worker;

  explicit Scene(const core::WorkerSettings& with = settings(), core::PolicyPort* policy = nullptr) {
    auto made = std::make_unique<HandExecutor>(loop);
    executor = made.get();
    assert_true(executors.add(std::move(made)).ok());
    worker =
        std::make_unique<worker::Worker>(worker::Worker::Parts{loop, log, store, executors, policy,
                                                               [](core::TaskId, bool, std::string_view) {},
                                                               [](const std::vector<core::TaskChange>&) {}},
                                         with, "test");
    worker->begin();
  }
  void until(const std::function<bool()>& done, const char* what) { run_until(loop, done, what); }
  void ready(core::TaskRecord task) {
    store.ready.push_back(std::move(task));
    worker->on_hint();
  }
  bool at_work(int id) const { return executor->runs.count(core::TaskId{id}) != 0; }
  void stop() {
    bool stopped = false;
    worker->stop([&] { stopped = true; });
    until([&] { return stopped; }, "the worker to stop");
  }
};

}  // namespace worker_scene
