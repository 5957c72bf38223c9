#include <algorithm>
#include <optional>

#include "core/task_envelope.hpp"
#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_task.hpp"
#include "store/sqlite/queue_waits.hpp"
#include "store/timeline.hpp"

namespace fairlead::store {

namespace {

using core::TaskState;
using Answer = base::Result<core::Submitted>;

// The site that a pause means: of the route that was chosen, or of the envelope.
std::string site_of(const core::Submission& task) {
  constexpr std::string_view kScope = "site:";
  const std::string_view route = std::string_view(task.route).substr(task.route.find('@') + 1);
  for (const auto target : {route, std::string_view(task.envelope.target)})
    if (target.starts_with(kScope)) return std::string(target.substr(kScope.size()));
  return {};
}

// The task that the key was given to, while it is remembered.
std::optional<Answer> known_under_key(Turn& turn, const core::TaskEnvelope& envelope,
                                      const std::string& fingerprint) {
  auto known = turn.sql.query(
      "SELECT i.fingerprint, i.task, coalesce(t.state, i.state), t.waits_for"
      " FROM idempotency i LEFT JOIN tasks t ON t.id = i.task"
      " WHERE i.kind = ? AND i.key = ?",
      envelope.kind, envelope.idempotency_key);
  if (!known.next()) return std::nullopt;
  if (known.text(0) != fingerprint)
    return base::Error{base::Code::conflict,
                       "the idempotency key \"" + envelope.idempotency_key + "\" was used for task " +
                           std::to_string(known.integer(1)) + " with another content; choose another key",
                       {}};
  core::Submitted submitted;
  submitted.id = core::TaskId{known.integer(1)};
  submitted.existed = true;
  submitted.state = core::parse_task_state(known.text(2)).value_or(TaskState::queued);
  submitted.waits_for = core::parse_waits_for(known.text(3)).value_or(core::WaitsFor::nothing);
  return submitted;
}

struct Dependencies {
  std::vector<std::int64_t> open;      // not final yet
  std::optional<std::int64_t> failed;  // did not succeed
  std::optional<std::int64_t> missing;
};

Dependencies look_at(Turn& turn, const std::vector<core::TaskId>& ids) {
  Dependencies found;
  for (const auto each : ids) {
    const auto id = number(each);
    if (turn.sql.query("SELECT 1 FROM tasks WHERE id = ?", id).next()) {
      found.open.push_back(id);
      continue;
    }
    auto ended = turn.sql.query("SELECT state FROM history WHERE id = ?", id);
    if (!ended.next())
      found.missing = id;
    else if (ended.text(0) != to_string(TaskState::done))
      found.failed = id;
  }
  return found;
}

void insert_row(Turn& turn, const core::Submission& submission, const QueueTask& task) {
  const auto& envelope = submission.envelope;
  turn.sql.run(
      "INSERT OR FAIL INTO tasks (id, kind, route, priority, state, waits_for, waits_detail, due_at, since, epoch,"
      " attempt, lost_workers, worker, site, locks, depends_on, capability, target, run_at, timeout,"
      " max_attempts, on_lease_loss, idempotency_key, actor, actor_class, trace_id, retry_of, submitted_at,"
      " error_code, payload, result, timeline) VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7, ?8, 0, 0, 0, '',"
      " ?9, ?10, ?11, ?12, ?13, ?7, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?8, '', ?22, '', ?23)",
      task.id, envelope.kind, submission.route, envelope.priority, to_string(task.waits_for),
      task.waits_detail, task.due_at, turn.now, task.site, joined_words(task.locks),
      joined_words(task.depends_on), envelope.capability, envelope.target, envelope.timeout.count(),
      envelope.max_attempts, to_string(envelope.on_lease_loss), envelope.idempotency_key, envelope.actor,
      to_string(envelope.actor_class), envelope.trace_id, number(submission.retry_of), envelope.payload,
      task.log);
}

QueueTask new_task(Turn& turn, const core::Submission& submission) {
  const auto& envelope = submission.envelope;
  QueueTask task;
  task.id = turn.next_task_id();
  task.kind = envelope.kind;
  task.priority = envelope.priority;
  task.due_at = to_ms(envelope.run_at);
  task.max_attempts = envelope.max_attempts;
  task.site = site_of(submission);
  task.locks = envelope.locks;
  for (const auto id : envelope.depends_on) task.depends_on.push_back(std::to_string(number(id)));
  task.has_key = !envelope.idempotency_key.empty();
  append_entry(task.log, {to_time(turn.now),
                          core::TaskEvent::submitted,
                          std::nullopt,
                          TaskState::queued,
                          envelope.actor,
                          {},
                          core::Epoch{0},
                          {}});
  return task;
}

Answer submit_one(Turn& turn, const core::Submission& submission) {
  const auto& envelope = submission.envelope;
  std::string fingerprint;
  if (!envelope.idempotency_key.empty()) {
    fingerprint = core::envelope_fingerprint(envelope);
    if (auto known = known_under_key(turn, envelope, fingerprint)) return std::move(*known);
  }
  const auto dependencies = look_at(turn, envelope.depends_on);
  if (dependencies.missing)
    return base::Error{base::Code::not_found,
                       "there is no task " + std::to_string(*dependencies.missing) + " to depend on",
                       {}};
  auto task = new_task(turn, submission);
  for (const auto id : dependencies.open)
    turn.sql.run("INSERT INTO dependencies (on_task, task) VALUES (?, ?)", id, task.id);
  if (dependencies.failed)
    task.waits_for = core::WaitsFor::dependency;  // for this moment: so it takes no locks
  else
    settle(turn, task, false, false);
  insert_row(turn, submission, task);
  if (task.has_key)
    turn.sql.run(
        "INSERT INTO idempotency (kind, key, fingerprint, task, state) VALUES (?, ?, ?, ?, 'queued')",
        envelope.kind, envelope.idempotency_key, fingerprint, task.id);
  if (dependencies.failed) {
    task.log.clear();
    const auto why = "task " + std::to_string(*dependencies.failed) + " did not succeed";
    end_task(turn, task, core::TaskEvent::dependency_failed, core::task_error::kDependency,
             {kByItself.actor, why});
  }
  return core::Submitted{core::TaskId{task.id}, false, task.state, task.waits_for};
}

}  // namespace

std::vector<Answer> submit_tasks(Turn& turn, const std::vector<core::Submission>& tasks) {
  std::vector<Answer> answers;
  answers.reserve(tasks.size());
  for (const auto& task : tasks) answers.push_back(submit_one(turn, task));
  return answers;
}

}  // namespace fairlead::store
