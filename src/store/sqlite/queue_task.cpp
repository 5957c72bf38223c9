#include "store/sqlite/queue_task.hpp"

#include <deque>

#include "store/sqlite/queue_waits.hpp"
#include "store/timeline.hpp"

namespace fairlead::store {

namespace {

using core::TaskEvent;
using core::TaskState;

void remember_key_end(Turn& turn, const QueueTask& task) {
  if (task.has_key)
    turn.sql.run(
        "UPDATE idempotency SET ended_at = ?, state = ? WHERE task = ? AND (kind, key) IN"
        " (SELECT kind, idempotency_key FROM history WHERE id = ?)",
        turn.now, to_string(task.state), task.id, task.id);
}

void move_to_history(Turn& turn, const QueueTask& task) {
  turn.sql.run(
      "INSERT OR FAIL INTO history SELECT id, kind, route, priority, ?2, NULL, '', NULL, ?3, ?4, ?5, ?6, NULL, NULL,"
      " NULL, NULL, worker, site, locks, depends_on, capability, target, run_at, timeout, max_attempts,"
      " on_lease_loss, idempotency_key, actor, actor_class, trace_id, retry_of, submitted_at, claimed_at,"
      " coalesce(?7, started_at), ?3, ?8, payload, iif(?9, ?10, result), timeline || ?11"
      " FROM tasks WHERE id = ?1",
      task.id, to_string(task.state), turn.now, task.epoch, task.attempt, task.lost_workers, task.started_at,
      task.error_code.value_or(""), task.result.has_value(), task.result.value_or(""), task.log);
  turn.sql.run("DELETE FROM tasks WHERE id = ?", task.id);
  turn.count_history(1);
}

void let_go(Turn& turn, const QueueTask& before) {
  if (before.state == TaskState::queued && before.waits_for == core::WaitsFor::dependency)
    for (const auto& on : before.depends_on)
      turn.sql.run("DELETE FROM dependencies WHERE on_task = CAST(? AS INTEGER) AND task = ?", on, before.id);
  if (before.locks.empty()) return;
  if (before.holds_locks()) return release_locks(turn, before);
  if (before.waits_for == core::WaitsFor::lock) leave_lock_queues(turn, before);
}

std::vector<std::int64_t> take_dependents(Turn& turn, std::int64_t id) {
  std::vector<std::int64_t> ids;
  {
    auto rows = turn.sql.query("SELECT task FROM dependencies WHERE on_task = ?", id);
    while (rows.next()) ids.push_back(rows.integer(0));
  }
  if (!ids.empty()) turn.sql.run("DELETE FROM dependencies WHERE on_task = ?", id);
  return ids;
}

void write_end(Turn& turn, const QueueTask& task, const QueueTask& before) {
  move_to_history(turn, task);
  remember_key_end(turn, task);
  let_go(turn, before);
}

// Everything behind a task that did not succeed fails, however long the chain.
void fail_dependents(Turn& turn, std::int64_t id) {
  std::deque<std::pair<std::int64_t, std::int64_t>> left;  // who, and because of whom
  const auto add = [&](std::int64_t because) {
    for (const auto dependent : take_dependents(turn, because)) left.emplace_back(dependent, because);
  };
  for (add(id); !left.empty() && !turn.sql.failed(); left.pop_front()) {
    const auto [dependent, because] = left.front();
    auto task = load_task(turn, dependent);
    if (!task) continue;
    const auto before = *task;
    const auto why = "task " + std::to_string(because) + " did not succeed";
    advance(turn, *task, TaskEvent::dependency_failed, {kByItself.actor, why});
    task->error_code = core::task_error::kDependency;
    write_end(turn, *task, before);
    add(dependent);
  }
}

}  // namespace

std::optional<QueueTask> load_task(Turn& turn, std::int64_t id) {
  auto row = turn.sql.query(
      "SELECT kind, priority, state, waits_for, waits_detail, due_at, epoch, attempt, lost_workers,"
      " max_attempts, owner, incarnation, worker, stop, site, locks, depends_on, idempotency_key <> ''"
      " FROM tasks WHERE id = ?",
      id);
  if (!row.next()) return std::nullopt;
  QueueTask task;
  task.id = id;
  task.kind = row.text(0);
  task.priority = static_cast<int>(row.integer(1));
  task.state = core::parse_task_state(row.text(2)).value_or(TaskState::queued);
  task.waits_for = core::parse_waits_for(row.text(3)).value_or(core::WaitsFor::nothing);
  task.waits_detail = row.text(4);
  task.due_at = row.maybe(5);
  task.epoch = row.integer(6);
  task.attempt = static_cast<int>(row.integer(7));
  task.lost_workers = static_cast<int>(row.integer(8));
  task.max_attempts = static_cast<int>(row.integer(9));
  task.owner = row.text(10);
  task.incarnation = row.integer(11);
  task.worker = row.text(12);
  task.stop = row.text(13);
  task.site = row.text(14);
  task.locks = words_of(row.text(15));
  task.depends_on = words_of(row.text(16));
  task.has_key = row.integer(17) != 0;
  return task;
}

void advance(Turn& turn, QueueTask& task, TaskEvent event, const Cause& cause) {
  const auto* step = core::find_transition(task.state, event);
  if (step == nullptr) {
    turn.sql.fail({base::Code::internal,
                   std::string("a ") + std::string(to_string(task.state)) + " task cannot take " +
                       std::string(to_string(event)),
                   "task " + std::to_string(task.id)});
    return;
  }
  if (step->new_epoch) ++task.epoch;
  task.state = step->to;
  if (event == TaskEvent::started) task.started_at = turn.now;
  append_entry(task.log, {to_time(turn.now), event, step->from, step->to, std::string(cause.actor),
                          task.worker, core::Epoch{task.epoch}, std::string(cause.detail)});
  turn.changes.push_back({core::TaskId{task.id}, task.kind, step->from, step->to, event, task.worker,
                          std::string(cause.detail)});
}

void add_note(Turn& turn, QueueTask& task, core::NoteKind kind, const Cause& cause) {
  append_note(task.log, {to_time(turn.now), kind, std::string(cause.actor), task.worker,
                         core::Epoch{task.epoch}, std::string(cause.detail)});
}

void write_owned(Turn& turn, const QueueTask& task) {
  turn.sql.run(
      "UPDATE OR FAIL tasks SET state = ?2, since = iif(state = ?2, since, ?3),"
      " started_at = coalesce(?4, started_at), stop = nullif(?5, ''), timeline = timeline || ?6"
      " WHERE id = ?1",
      task.id, to_string(task.state), turn.now, task.started_at, task.stop, task.log);
}

void write_queued(Turn& turn, QueueTask& task, bool held) {
  task.waits_for = core::WaitsFor::nothing;
  settle(turn, task, held, false);
  turn.sql.run(
      "UPDATE OR FAIL tasks SET state = 'queued', waits_for = ?2, waits_detail = ?3, due_at = ?4, since = ?5,"
      " epoch = ?6, attempt = ?7, lost_workers = ?8, owner = NULL, incarnation = NULL, own_end = NULL,"
      " stop = NULL, started_at = coalesce(?9, started_at), error_code = iif(?10, ?11, error_code),"
      " result = iif(?12, ?13, result), timeline = timeline || ?14 WHERE id = ?1",
      task.id, to_string(task.waits_for), task.waits_detail, task.due_at, turn.now, task.epoch, task.attempt,
      task.lost_workers, task.started_at, task.error_code.has_value(), task.error_code.value_or(""),
      task.result.has_value(), task.result.value_or(""), task.log);
}

void write_final(Turn& turn, QueueTask& task, const QueueTask& before) {
  write_end(turn, task, before);
  if (task.state != TaskState::done) return fail_dependents(turn, task.id);
  for (const auto dependent : take_dependents(turn, task.id)) settle_again(turn, dependent);
}

void end_task(Turn& turn, QueueTask& task, TaskEvent event, std::string_view error_code, const Cause& cause) {
  const auto before = task;
  advance(turn, task, event, cause);
  task.error_code = std::string(error_code);
  write_final(turn, task, before);
}

}  // namespace fairlead::store
