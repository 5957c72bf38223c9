// Whole rows of tasks and history as records. Pool thread.
#pragma once
#include <string_view>

#include "core/task.hpp"
#include "store/sqlite/queue_turn.hpp"

namespace fairlead::store {

// The columns that record_in() reads, in its order, without the payload; the payload may stand behind them.
#define FAIRLEAD_TASK_COLUMNS                                                                           \
  "id, kind, route, priority, state, waits_for, waits_detail, due_at, epoch, attempt, lost_workers, "   \
  "worker, stop, locks, depends_on, capability, target, run_at, timeout, max_attempts, on_lease_loss, " \
  "idempotency_key, actor, actor_class, trace_id, retry_of, submitted_at, claimed_at, started_at, "     \
  "finished_at, error_code, result"
inline constexpr int kAfterTaskColumns = 32;

core::TaskRecord record_in(const Sql::Rows& row);

}  // namespace fairlead::store
