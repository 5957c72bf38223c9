// The calls of core::TaskStore as they are done in the queue's file: one function each, inside one
// transaction, on a pool thread. An error is the call's own; what SQLite says stays in turn.sql.
#pragma once
#include <string>
#include <vector>

#include "core/task_store.hpp"
#include "store/sqlite/queue_turn.hpp"

namespace fairlead::store {

std::vector<base::Result<core::Submitted>> submit_tasks(Turn& turn,
                                                        const std::vector<core::Submission>& tasks);

base::Result<core::WorkerKey> register_worker(Turn& turn, const core::WorkerInfo& info, base::Millis lease,
                                              const std::vector<core::Started>& keeps);
base::Result<core::BeatOutcome> beat_worker(Turn& turn, const core::Beat& beat);
base::Result<core::ExchangeOutcome> exchange_with_worker(Turn& turn, const core::Exchange& exchange);
base::Result<base::Unit> leave_worker(Turn& turn, const core::WorkerKey& worker);
base::Result<base::Unit> drain_worker(Turn& turn, const std::string& name, bool draining);
base::Result<core::Tending> tend_queue(Turn& turn, const core::TendSettings& settings);

base::Result<core::OrderOutcome> order_task(Turn& turn, core::TaskId id, core::TaskOrder order,
                                            const core::Actor& actor);
base::Result<base::Unit> begin_pause(Turn& turn, const core::Pause& pause);
base::Result<base::Unit> end_pause(Turn& turn, core::Pause::Scope scope, const std::string& name);

base::Result<core::TaskDetail> find_task(Turn& turn, core::TaskId id);
base::Result<std::vector<core::TaskRecord>> list_tasks(Turn& turn, const core::TaskFilter& filter);
base::Result<std::vector<core::Pause>> list_pauses(Turn& turn);
base::Result<core::QueueStats> count_tasks(Turn& turn);
base::Result<std::vector<core::WorkerRecord>> list_workers(Turn& turn);

// --- shared between them

// A worker as a call of its finds it. `live`: this incarnation may write.
struct LiveWorker {
  bool live = false;
  bool draining = false;
  std::string site;
};
LiveWorker look_up_worker(Turn& turn, const core::WorkerKey& key);
std::vector<core::StopRequest> stops_of(Turn& turn, const std::string& worker);

// A task whose worker is gone: back into the queue with its attempt counted, or to its end.
void lose_worker(Turn& turn, std::int64_t id);

// Sets aside at most `most` tasks that an active pause concerns and that were not looked at since it began;
// true: there may be more.
bool sweep_pauses(Turn& turn, int most);
// Settles at most `most` tasks whose pause is over; true: there may be more.
bool wake_from_pauses(Turn& turn, int most);

}  // namespace fairlead::store
