#include "store/sqlite/queue_waits.hpp"

#include <algorithm>
#include <optional>

namespace fairlead::store {

namespace {

using core::WaitsFor;

// So often the first who waits for a key may see it go to somebody behind it, and so many may be asked in
// vain when it frees: then the first of them reserves its keys. The second rule is what keeps long queues
// fast.
constexpr std::int64_t kPatience = 16;
constexpr std::size_t kAsked = 32;
constexpr std::int64_t kNoRank = std::int64_t{1} << 62;

// Who stands first in a key's queue.
struct Waiter {
  std::int64_t rank = kNoRank, priority = 0, task = 0, passed_over = 0;
  auto place() const { return std::pair(priority, task); }
};

std::optional<Waiter> first_waiter(Turn& turn, const std::string& key) {
  auto row = turn.sql.query(
      "SELECT rank, priority, task, passed_over FROM lock_waits WHERE key = ?"
      " ORDER BY rank, priority, task LIMIT 1",
      key);
  if (!row.next()) return std::nullopt;
  return Waiter{row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
}

bool is_held(Turn& turn, const std::string& key) {
  return turn.sql.query("SELECT 1 FROM locks WHERE key = ?", key).next();
}

std::vector<std::string> locks_of(Turn& turn, std::int64_t id) {
  auto row = turn.sql.query("SELECT locks FROM tasks WHERE id = ?", id);
  return row.next() ? words_of(row.text(0)) : std::vector<std::string>();
}

void reserve(Turn& turn, const Waiter& waiter) {
  for (const auto& key : locks_of(turn, waiter.task))
    turn.sql.run("UPDATE lock_waits SET rank = ? WHERE key = ? AND rank = ? AND priority = ? AND task = ?",
                 waiter.task, key, kNoRank, waiter.priority, waiter.task);
}

// Counts that somebody behind `waiter` gets `key`.
void pass_over(Turn& turn, const std::string& key, const Waiter& waiter) {
  turn.sql.run(
      "UPDATE lock_waits SET passed_over = passed_over + 1"
      " WHERE key = ? AND rank = ? AND priority = ? AND task = ?",
      key, waiter.rank, waiter.priority, waiter.task);
  if (waiter.passed_over + 1 >= kPatience) reserve(turn, waiter);
}

// Takes all of a task's locks or none. Empty: taken; else the key that it waits for. A key is free for it
// when nobody holds it and nobody with an older right has reserved it.
std::string try_lock(Turn& turn, const QueueTask& task, std::int64_t rank) {
  std::vector<std::pair<const std::string*, Waiter>> passed;
  for (const auto& key : task.locks) {
    if (is_held(turn, key)) return key;
    const auto first = first_waiter(turn, key);
    if (!first || first->task == task.id) continue;
    if (first->rank < rank) return key;
    const bool stood_before = first->place() < std::pair<std::int64_t, std::int64_t>(task.priority, task.id);
    if (first->rank == kNoRank && stood_before) passed.emplace_back(&key, *first);
  }
  for (const auto& key : task.locks)
    turn.sql.run("INSERT INTO locks (key, task) VALUES (?, ?)", key, task.id);
  for (const auto& [key, waiter] : passed) pass_over(turn, *key, waiter);
  return {};
}

void join_lock_queues(Turn& turn, const QueueTask& task) {
  for (const auto& key : task.locks)
    turn.sql.run("INSERT INTO lock_waits (key, rank, priority, task, passed_over) VALUES (?, ?, ?, ?, 0)",
                 key, kNoRank, task.priority, task.id);
}

void remove_from_queues(Turn& turn, const QueueTask& task) {
  for (const auto& key : task.locks)
    turn.sql.run("DELETE FROM lock_waits WHERE key = ? AND rank IN (?, ?) AND priority = ? AND task = ?", key,
                 task.id, kNoRank, task.priority, task.id);
}

std::vector<Waiter> first_waiters(Turn& turn, const std::string& key) {
  std::vector<Waiter> found;
  auto rows = turn.sql.query(
      "SELECT rank, priority, task FROM lock_waits WHERE key = ? ORDER BY rank, priority, task LIMIT ?", key,
      kAsked);
  while (rows.next()) found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), 0});
  return found;
}

bool try_promote(Turn& turn, const Waiter& waiter) {
  QueueTask task;
  task.id = waiter.task;
  task.priority = static_cast<int>(waiter.priority);
  task.locks = locks_of(turn, waiter.task);
  if (!try_lock(turn, task, waiter.rank).empty() || turn.sql.failed()) return false;
  remove_from_queues(turn, task);
  turn.sql.run("UPDATE tasks SET waits_for = 'nothing', waits_detail = '', since = ? WHERE id = ?", turn.now,
               task.id);
  ++turn.promoted;
  turn.work_ready = true;
  return true;
}

// A key may be free: the first who can take all that it needs gets it. Nobody behind one that has reserved
// the key needs to be asked: so whoever stops early makes the first one such.
void offer(Turn& turn, const std::string& key) {
  if (is_held(turn, key)) return;
  const auto waiters = first_waiters(turn, key);
  for (const auto& waiter : waiters)
    if (try_promote(turn, waiter) || waiter.rank < kNoRank) return;
  if (waiters.size() < kAsked) return;
  reserve(turn, waiters.front());
  auto first = waiters.front();
  first.rank = first.task;  // it may now be before those who had reserved its keys
  try_promote(turn, first);
}

// The first dependency that has not come to its end; empty: all have.
std::string unmet_dependency(Turn& turn, const QueueTask& task) {
  for (const auto& on : task.depends_on)
    if (turn.sql
            .query("SELECT 1 FROM dependencies WHERE on_task = CAST(? AS INTEGER) AND task = ?", on, task.id)
            .next())
      return on;
  return {};
}

struct Wait {
  WaitsFor why = WaitsFor::nothing;
  std::string detail;
};

// All but the locks.
Wait wait_of(Turn& turn, const QueueTask& task) {
  if (auto on = unmet_dependency(turn, task); !on.empty()) return {WaitsFor::dependency, std::move(on)};
  if (task.due_at && *task.due_at > turn.now) return {WaitsFor::time, {}};
  if (auto pause = paused_by(turn, task.kind, task.site); !pause.empty())
    return {WaitsFor::pause, std::move(pause)};
  return {};
}

}  // namespace

std::string paused_by(Turn& turn, std::string_view kind, std::string_view site) {
  using Scope = core::Pause::Scope;
  for (const auto& pause : turn.pauses())
    if (pause.scope == Scope::everything || (pause.scope == Scope::kind && pause.name == kind) ||
        (pause.scope == Scope::site && pause.name == site))
      return pause.label();
  return {};
}

void settle(Turn& turn, QueueTask& task, bool held, bool waited) {
  auto wait = wait_of(turn, task);
  if (!task.locks.empty()) {
    if (wait.why != WaitsFor::nothing) {
      if (held) release_locks(turn, task);
      if (waited) leave_lock_queues(turn, task);
    } else if (!held && !waited) {
      auto key = try_lock(turn, task, kNoRank);
      if (!key.empty()) {
        join_lock_queues(turn, task);
        wait = {WaitsFor::lock, std::move(key)};
      }
    } else if (waited) {
      wait = {WaitsFor::lock, task.waits_detail};  // whoever frees a key promotes it
    }
  }
  task.waits_for = wait.why;
  task.waits_detail = std::move(wait.detail);
  if (task.waits_for == WaitsFor::nothing) turn.work_ready = true;
}

void settle_again(Turn& turn, std::int64_t id) {
  auto task = load_task(turn, id);
  if (!task || task->state != core::TaskState::queued) return;
  const auto before = task->waits_for;
  const auto detail = task->waits_detail;
  settle(turn, *task, before == WaitsFor::nothing, before == WaitsFor::lock);
  if (task->waits_for == before && task->waits_detail == detail) return;
  if (task->waits_for == WaitsFor::nothing) ++turn.promoted;
  turn.sql.run("UPDATE tasks SET waits_for = ?, waits_detail = ?, since = ? WHERE id = ?",
               to_string(task->waits_for), task->waits_detail, turn.now, id);
}

void release_locks(Turn& turn, const QueueTask& task) {
  for (const auto& key : task.locks)
    turn.sql.run("DELETE FROM locks WHERE key = ? AND task = ?", key, task.id);
  for (const auto& key : task.locks) offer(turn, key);
}

void leave_lock_queues(Turn& turn, const QueueTask& task) {
  remove_from_queues(turn, task);
  for (const auto& key : task.locks) offer(turn, key);
}

}  // namespace fairlead::store
