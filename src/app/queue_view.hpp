// What the daemon knows of the queue as a whole: counts and workers, read from the store now and then, for
// the hooks, the metrics and the alarms. Owned by TaskQueue; loop thread only.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/task_store.hpp"
#include "loop/loop.hpp"

namespace fairlead::app {

class QueueView {
 public:
  explicit QueueView(core::TaskStore& store) : store_(store) {}

  // Calls `then` when the view is not older than `most`, or the store cannot tell: perhaps at once. A store
  // that takes long to count a long queue is asked so seldom that it does little else but its work.
  void with_fresh(base::Millis most, std::function<void()> then);

  const core::QueueStats& stats() const { return stats_; }
  const std::vector<core::WorkerRecord>& workers() const { return workers_; }
  std::uint64_t queued() const;
  // Those that could take it, by capability and target; draining ones and those without a lease are not among
  // them.
  std::vector<std::string> workers_for(const core::TaskEnvelope& task) const;

 private:
  void arrived();

  core::TaskStore& store_;
  core::QueueStats stats_;
  std::vector<core::WorkerRecord> workers_;
  base::SteadyTime asked_at_;
  std::optional<base::SteadyTime> read_at_;
  int reading_ = 0;  // answers that are still to come
  std::vector<std::function<void()>> waiting_;
};

}  // namespace fairlead::app
