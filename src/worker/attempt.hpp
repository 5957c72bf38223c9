// One attempt at a claimed task: its executor's steps, what the `retry` hook makes of a failure, and the
// report that comes of it. Owned by Worker; loop thread only. It calls `finished` once, perhaps from inside
// begin() or stop(); the worker then takes the report at its own time.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/log.hpp"
#include "core/executor.hpp"
#include "core/policy.hpp"
#include "core/task_store.hpp"
#include "core/task_verdicts.hpp"

namespace fairlead::worker {

class Attempt {
 public:
  // What attempts share; outlives them.
  struct Site {
    base::Log& log;
    const core::ExecutorRegistry& executors;
    core::PolicyPort* policy;  // null: nobody to ask
    std::function<void(core::TaskId, bool is_error, std::string_view bytes)> on_output;
    std::function<void(core::TaskId)> finished;
  };
  enum class Phase : std::uint8_t { executing, taking_back, asking, finished };
  enum class StopAs : std::uint8_t { cancelled, handed_back };

  // `lease_until`: when its children must be gone.
  Attempt(Site& site, core::TaskRecord task, base::BootTime lease_until);
  void begin();
  // Its executor ends it; how the report reads, unless it has ended by itself before.
  void stop(StopAs as);
  void renew_lease(base::BootTime until);

  Phase phase() const { return phase_; }
  const core::TaskRecord& task() const { return task_; }
  base::SteadyTime began() const { return began_; }
  bool started_told = false;  // the store knows that it runs

  // Precondition: finished.
  core::Report take_report() { return std::move(report_); }

 private:
  void on_executed(core::TaskResult result);
  void on_taken_back(const core::TaskResult& how);
  void conclude();
  void ask_retry();
  void fail(const core::RetryPlan& plan);
  void finish(core::Report::Outcome outcome, std::string detail);

  Site& site_;
  core::TaskRecord task_;
  base::BootTime lease_until_;
  base::SteadyTime began_;
  Phase phase_ = Phase::executing;
  std::shared_ptr<core::Executor> executor_;  // outlives call_
  std::unique_ptr<core::ExecutorCall> call_;
  std::unique_ptr<core::PolicyCall> asking_;
  std::optional<StopAs> stop_as_;
  core::TaskResult result_;
  core::Report report_;
};

}  // namespace fairlead::worker
