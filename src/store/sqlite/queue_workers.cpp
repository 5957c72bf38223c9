#include <algorithm>

#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_task.hpp"

namespace fairlead::store {

namespace {

using core::TaskEvent;

constexpr int kPoisonousLosses = 2;  // a task that lost its worker so often is set aside

base::Error no_such_worker(const std::string& name) {
  return {base::Code::not_found, "there is no worker \"" + name + "\"", {}};
}

// What a new incarnation keeps of its older one's work: all that it names while that one's lease is live,
// else claims with an end of their own that has not come.
void keep_tasks(Turn& turn, const core::WorkerKey& worker, bool was_live,
                const std::vector<core::Started>& keeps) {
  for (const auto& kept : keeps)
    turn.sql.run(
        "UPDATE tasks SET incarnation = ? WHERE id = ? AND owner = ? AND epoch = ?"
        " AND (? OR own_end > ?)",
        worker.incarnation, number(kept.id), worker.name, number(kept.epoch), was_live, turn.boot);
}

bool has_live_lease(Turn& turn, const std::string& worker) {
  return turn.sql
      .query("SELECT 1 FROM workers WHERE name = ? AND live AND lease_until > ?", worker, turn.boot)
      .next();
}

void lose_older_tasks(Turn& turn, const std::string& worker, std::int64_t incarnation) {
  std::vector<std::int64_t> lost;
  {
    auto rows = turn.sql.query("SELECT id FROM tasks WHERE owner = ? AND incarnation < ? ORDER BY id", worker,
                               incarnation);
    while (rows.next()) lost.push_back(rows.integer(0));
  }
  for (const auto id : lost) lose_worker(turn, id);
}

// Renewed at a third of its length: two beats are missing, or all of them.
core::WorkerState state_of(Ms age, Ms lease, bool live) {
  if (!live) return core::WorkerState::offline;
  return age > lease * 2 / 3 ? core::WorkerState::late : core::WorkerState::online;
}

}  // namespace

LiveWorker look_up_worker(Turn& turn, const core::WorkerKey& key) {
  auto row = turn.sql.query(
      "SELECT incarnation, live, lease_until, draining, site FROM workers WHERE name = ?", key.name);
  if (!row.next()) return {};
  const bool live = row.integer(0) == key.incarnation && row.integer(1) != 0 && row.integer(2) > turn.boot;
  return {live, row.integer(3) != 0, std::string(row.text(4))};
}

std::vector<core::StopRequest> stops_of(Turn& turn, const std::string& worker) {
  std::vector<core::StopRequest> stops;
  auto rows = turn.sql.query(
      "SELECT id, epoch, stop = 'cancel' FROM tasks WHERE owner = ? AND stop IS NOT NULL", worker);
  while (rows.next())
    stops.push_back({core::TaskId{rows.integer(0)}, core::Epoch{rows.integer(1)}, rows.integer(2) != 0});
  return stops;
}

void lose_worker(Turn& turn, std::int64_t id) {
  auto task = load_task(turn, id);
  if (!task || !is_owned(task->state)) return;
  if (task->stop == "cancel")
    return end_task(turn, *task, TaskEvent::cancelled, core::task_error::kCancelled, kByItself);
  ++task->lost_workers;
  if (task->lost_workers >= kPoisonousLosses)
    return end_task(turn, *task, TaskEvent::poisoned, core::task_error::kPoison,
                    {kByItself.actor, "lost its worker twice"});
  if (task->attempt >= task->max_attempts)
    return end_task(turn, *task, TaskEvent::gave_up, core::task_error::kLostWorker,
                    {kByItself.actor, "lost its worker on its last attempt"});
  advance(turn, *task, TaskEvent::worker_lost, kByItself);
  write_queued(turn, *task, true);
}

base::Result<core::WorkerKey> register_worker(Turn& turn, const core::WorkerInfo& info, base::Millis lease,
                                              const std::vector<core::Started>& keeps) {
  const bool was_live = has_live_lease(turn, info.name);
  turn.sql.run(
      "INSERT INTO workers (name, incarnation, live, lease_until, lease, beat_at, draining, site, node,"
      " capabilities, version, concurrency, registered_at) VALUES (?1, 1, 1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8,"
      " ?9, ?10) ON CONFLICT (name) DO UPDATE SET incarnation = incarnation + 1, live = 1, lease_until = ?2,"
      " lease = ?3, beat_at = ?4, site = ?5, node = ?6, capabilities = ?7, version = ?8,"
      " concurrency = ?9, registered_at = ?10",
      info.name, turn.boot + lease.count(), lease.count(), turn.boot, info.site, info.node,
      core::offer_text(info), info.version, info.concurrency, turn.now);
  core::WorkerKey key{info.name, 0};
  {
    auto row = turn.sql.query("SELECT incarnation FROM workers WHERE name = ?", info.name);
    if (row.next()) key.incarnation = row.integer(0);
  }
  keep_tasks(turn, key, was_live, keeps);
  lose_older_tasks(turn, info.name, key.incarnation);
  return key;
}

base::Result<core::BeatOutcome> beat_worker(Turn& turn, const core::Beat& beat) {
  const auto worker = look_up_worker(turn, beat.worker);
  core::BeatOutcome outcome;
  outcome.lease_live = worker.live;
  if (!worker.live) return outcome;
  turn.sql.run("UPDATE workers SET lease_until = ?, lease = ?, beat_at = ? WHERE name = ?",
               turn.boot + beat.lease.count(), beat.lease.count(), turn.boot, beat.worker.name);
  outcome.draining = worker.draining;
  outcome.stops = stops_of(turn, beat.worker.name);
  return outcome;
}

// Its tasks, if it left any, are lost with the next tend().
base::Result<base::Unit> leave_worker(Turn& turn, const core::WorkerKey& worker) {
  turn.sql.run(
      "UPDATE workers SET live = 0, lease_until = min(lease_until, ?) WHERE name = ? AND incarnation = ?",
      turn.boot, worker.name, worker.incarnation);
  return base::success();
}

base::Result<base::Unit> drain_worker(Turn& turn, const std::string& name, bool draining) {
  if (turn.sql.run("UPDATE workers SET draining = ? WHERE name = ?", draining, name) == 0)
    return no_such_worker(name);
  turn.stop_asked = true;  // its worker hears of it with its next beat, sooner when it is here
  return base::success();
}

base::Result<std::vector<core::WorkerRecord>> list_workers(Turn& turn) {
  std::vector<core::WorkerRecord> workers;
  auto rows = turn.sql.query(
      "SELECT name, incarnation, live AND lease_until > ?1, lease, beat_at, draining, site, node, "
      "capabilities,"
      " version, concurrency, registered_at, (SELECT count(*) FROM tasks WHERE owner = name)"
      " FROM workers ORDER BY name",
      turn.boot);
  while (rows.next()) {
    core::WorkerRecord worker;
    worker.info = {std::string(rows.text(0)), std::string(rows.text(6)),
                   std::string(rows.text(7)), {},
                   std::string(rows.text(9)), static_cast<int>(rows.integer(10))};
    core::set_offer(worker.info, rows.text(8));
    worker.incarnation = rows.integer(1);
    const Ms age = std::max<Ms>(0, turn.boot - rows.integer(4));
    worker.state = state_of(age, rows.integer(3), rows.integer(2) != 0);
    worker.draining = rows.integer(5) != 0;
    worker.beat_age = base::Millis(age);
    worker.registered_at = to_time(rows.integer(11));
    worker.owned = static_cast<int>(rows.integer(12));
    workers.push_back(std::move(worker));
  }
  return workers;
}

}  // namespace fairlead::store
