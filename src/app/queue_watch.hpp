// Tells what the queue as a whole does: events and hooks hear of workers that come, become late or go; people
// hear of tasks that are stuck, of old transactions in the store, of lost workers, each once an hour at most.
// Owned by TaskQueue; loop thread only; fails never.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "core/notice.hpp"
#include "core/policy.hpp"
#include "core/task_port.hpp"

namespace fairlead::app {

class QueueWatch {
 public:
  // All outlive it.
  struct Parts {
    base::Log& log;
    core::EventPort& events;
    core::PolicyPort& policy;
    core::NotifyPort& notify;
  };
  explicit QueueWatch(Parts parts) : parts_(parts) {}

  // As the store shows them now.
  void see_workers(const std::vector<core::WorkerRecord>& workers);
  // `place`: of the store. What waits for its time, or is paused, is never stuck.
  void see_counts(const core::QueueStats& stats, base::Millis stuck_after, const std::string& place);
  void see_lost_worker(const std::string& name);

 private:
  void alarm(const std::string& event, const std::string& subject, const std::string& title,
             const std::string& text);

  Parts parts_;
  std::map<std::string, core::WorkerState> known_workers_;
  std::map<std::string, base::SteadyTime> alarms_;  // when each was raised last
};

}  // namespace fairlead::app
