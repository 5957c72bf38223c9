// The queue in the daemon: owns the store, the executors and the worker, and is what the API asks of them.
// Tells hooks, events and people of what changes; keeps the queue moving (TaskStore::tend). Owned by the
// daemon; loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/live_output.hpp"
#include "app/queue_view.hpp"
#include "app/queue_watch.hpp"
#include "app/submissions.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "core/child.hpp"
#include "core/executor.hpp"
#include "core/policy.hpp"
#include "core/task_port.hpp"
#include "loop/timer.hpp"
#include "worker/worker.hpp"

namespace fairlead::app {

class TaskQueue final : public core::TaskPort, public core::Reloadable {
 public:
  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    core::AuditPort& audit;
    core::EventPort& events;  // the tasks' own
    core::PolicyPort& policy;
    core::NotifyPort& notify;
    core::SpawnPort& spawner;
  };
  TaskQueue(Parts parts, std::unique_ptr<core::TaskStore> store, const core::ConfigPtr& config);
  ~TaskQueue() override;

  // Opens the store, and starts the worker where the configuration has one.
  void begin();
  // The worker first, then the store; `done` once, later.
  void stop(base::Millis store_deadline, std::function<void()> done);
  base::Millis stop_takes() const;  // at most, for the tasks under way

  core::QueueStatus queue_status() const override;
  void submit(base::JsonView envelopes, std::string_view key, const core::Caller& caller,
              core::Answer<std::vector<base::Result<core::Submitted>>> done) override;
  void find(core::TaskId id, core::Answer<core::TaskDetail> done) override;
  void list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) override;
  void order(core::TaskId id, core::TaskOrder order, const core::Caller& caller,
             core::Answer<core::OrderOutcome> done) override;
  void pause(core::Pause pause, const core::Caller& caller, core::Answer<base::Unit> done) override;
  void resume(core::Pause::Scope scope, std::string name, const core::Caller& caller,
              core::Answer<base::Unit> done) override;
  void pauses(core::Answer<std::vector<core::Pause>> done) override;
  void stats(core::Answer<core::QueueStats> done) override;
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override;
  void drain(std::string worker, bool draining, const core::Caller& caller,
             core::Answer<base::Unit> done) override;
  std::vector<core::OutputPart> output(core::TaskId id) const override { return output_.of(id); }
  std::string metrics() override;

  std::string_view part() const override { return "tasks"; }
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class SettingsTicket;
  void on_store();
  void on_changes(const std::vector<core::TaskChange>& changes);
  void on_output(core::TaskId task, bool is_error, std::string_view bytes);
  void give(core::TaskId id, core::TaskOrder order, const core::Caller& caller,
            core::Answer<core::OrderOutcome> done);
  void tend();
  void on_tended(base::Result<core::Tending> tending);
  void look_around(base::Millis most);  // with a view that is not older
  void note(const core::Caller& caller, std::string event, std::string detail);

  Parts parts_;
  core::ConfigPtr config_;
  std::unique_ptr<core::TaskStore> store_;
  core::ExecutorRegistry executors_;
  QueueView view_;
  QueueWatch watch_;
  Submissions submissions_;
  LiveOutput output_;
  std::unique_ptr<worker::Worker> worker_;
  core::StoreStatus::State told_state_ = core::StoreStatus::State::opening;
  std::optional<base::SteadyTime>
      steady_since_;  // the store's clock has not jumped since, as far as was seen
  std::uint64_t submitted_ = 0, refused_ = 0;
  base::Random random_;
  loop::Timer tend_timer_;
  loop::Timer look_timer_;
};

}  // namespace fairlead::app
