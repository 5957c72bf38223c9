// What a queued task waits for: looked up in the order dependency, time, pause, lock; one routine for every
// path by which a task comes to be queued. And the locks: all of a task's or none, waiters in the order of
// priority and age, and one that was passed over often reserves its keys. Pool thread.
#pragma once
#include <string>
#include <vector>

#include "store/sqlite/queue_task.hpp"
#include "store/sqlite/queue_turn.hpp"

namespace fairlead::store {

// Decides anew what a queued task waits for and keeps the tables of locks in step; sets waits_for and
// waits_detail of `task` and writes nothing of its row. `held`: it holds its locks; `waited`: it stands in
// their queues.
void settle(Turn& turn, QueueTask& task, bool held, bool waited);

// Loads a queued task, settles it and writes what came out when that is another wait.
void settle_again(Turn& turn, std::int64_t id);

void release_locks(Turn& turn, const QueueTask& task);  // who waits for them is promoted
void leave_lock_queues(Turn& turn, const QueueTask& task);

// The first pause that holds a task up; empty: none.
std::string paused_by(Turn& turn, std::string_view kind, std::string_view site);

}  // namespace fairlead::store
