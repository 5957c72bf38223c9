#include <optional>

#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_rows.hpp"
#include "store/sqlite/queue_task.hpp"
#include "store/sqlite/queue_waits.hpp"

namespace fairlead::store {

namespace {

using core::TaskState;

base::Error not_allowed(core::TaskId id, std::string_view state, std::string_view cure) {
  std::string text = "task " + std::to_string(number(id)) + " is ";
  return {base::Code::conflict, text.append(state).append(": ").append(cure), {}};
}

// Asks the owner for it, once.
core::OrderOutcome ask_owner(Turn& turn, QueueTask& task, core::NoteKind kind, const char* stop,
                             const core::Actor& actor) {
  if (task.stop != stop) {
    task.stop = stop;
    add_note(turn, task, kind, {actor.name});
    write_owned(turn, task);
  }
  turn.stop_asked = true;
  return {core::TaskId{task.id}, task.state, true, {}};
}

// Not before its time: now, after all.
core::OrderOutcome hurry(Turn& turn, QueueTask& task) {
  turn.sql.run("UPDATE tasks SET due_at = NULL WHERE id = ?", task.id);
  settle_again(turn, task.id);
  return {core::TaskId{task.id}, task.state, false, {}};
}

bool waits_for_time(const QueueTask& task) {
  return task.state == TaskState::queued && task.waits_for == core::WaitsFor::time;
}

base::Result<core::OrderOutcome> cancel(Turn& turn, QueueTask& task, const core::Actor& actor) {
  if (is_owned(task.state)) return ask_owner(turn, task, core::NoteKind::cancel_requested, "cancel", actor);
  end_task(turn, task, core::TaskEvent::cancelled, core::task_error::kCancelled, {actor.name});
  return core::OrderOutcome{core::TaskId{task.id}, task.state, false, std::move(turn.changes)};
}

base::Result<core::OrderOutcome> requeue(Turn& turn, QueueTask& task, const core::Actor& actor) {
  if (waits_for_time(task)) return hurry(turn, task);
  if (!is_owned(task.state))
    return not_allowed(core::TaskId{task.id}, to_string(task.state),
                       "only a task that a worker has, or that waits for its time, can be requeued");
  if (task.stop == "cancel")
    return not_allowed(core::TaskId{task.id}, "being cancelled", "it will not be tried again");
  return ask_owner(turn, task, core::NoteKind::requeue_requested, "requeue", actor);
}

base::Result<core::OrderOutcome> retry(Turn& turn, QueueTask& task) {
  if (waits_for_time(task)) return hurry(turn, task);
  return not_allowed(core::TaskId{task.id}, to_string(task.state),
                     "only a finished task, or one that waits for its time, can be retried");
}

// The same again, without the key: that stays with the task that it was given to. Nor does it wait for what
// the first one waited for: one that failed with its dependency would fail again, whatever was mended since.
base::Result<core::OrderOutcome> repeat(Turn& turn, core::TaskId id, const core::Actor& actor) {
  core::Submission again;
  {
    auto row =
        turn.sql.query("SELECT " FAIRLEAD_TASK_COLUMNS ", payload FROM history WHERE id = ?", number(id));
    if (!row.next()) return core::OrderOutcome{};
    auto ended = record_in(row);
    again.envelope = std::move(ended.envelope);
    again.envelope.payload = row.text(kAfterTaskColumns);
    again.route = std::move(ended.route);
  }
  again.retry_of = id;
  again.envelope.idempotency_key.clear();
  again.envelope.run_at.reset();
  again.envelope.depends_on.clear();
  again.envelope.actor = actor.name;
  again.envelope.actor_class = actor.actor_class;
  const auto made = submit_tasks(turn, {again});
  if (!made[0]) return made[0].error();
  return core::OrderOutcome{made[0]->id, made[0]->state, false, std::move(turn.changes)};
}

std::string ended_state(Turn& turn, core::TaskId id) {
  auto row = turn.sql.query("SELECT state FROM history WHERE id = ?", number(id));
  return row.next() ? std::string(row.text(0)) : std::string();
}

}  // namespace

base::Result<core::OrderOutcome> order_task(Turn& turn, core::TaskId id, core::TaskOrder order,
                                            const core::Actor& actor) {
  if (auto task = load_task(turn, number(id))) {
    switch (order) {
      case core::TaskOrder::cancel:
        return cancel(turn, *task, actor);
      case core::TaskOrder::requeue:
        return requeue(turn, *task, actor);
      case core::TaskOrder::retry:
        return retry(turn, *task);
    }
  }
  const auto state = ended_state(turn, id);
  if (state.empty())
    return base::Error{base::Code::not_found, "there is no task " + std::to_string(number(id)), {}};
  if (order == core::TaskOrder::retry) return repeat(turn, id, actor);
  return not_allowed(id, state,
                     order == core::TaskOrder::cancel ? "what has ended cannot be cancelled"
                                                      : "retry it, which makes a new task");
}

}  // namespace fairlead::store
