// A task on its way through one call: loaded, moved by the table of legal transitions (core/task_state.hpp),
// and written back whole, once. Pool thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.hpp"
#include "store/sqlite/queue_turn.hpp"

namespace fairlead::store {

// What moving a task needs to know of it; the rest of the row stays where it is.
struct QueueTask {
  std::int64_t id = 0;
  std::string kind;
  int priority = 0;
  core::TaskState state = core::TaskState::queued;
  core::WaitsFor waits_for = core::WaitsFor::nothing;  // of a queued one
  std::string waits_detail;
  std::optional<Ms> due_at;
  std::int64_t epoch = 0;
  int attempt = 0, lost_workers = 0, max_attempts = 1;
  std::string owner;  // empty: nobody
  std::int64_t incarnation = 0;
  std::string worker;
  std::string stop;  // "", "cancel", "requeue"
  std::string site;
  std::vector<std::string> locks, depends_on;
  bool has_key = false;

  // What is written beside.
  std::string log;  // new lines of its timeline
  std::optional<Ms> started_at;
  std::optional<std::string> result;  // nothing: as it was
  std::optional<std::string> error_code;

  bool holds_locks() const {
    return is_owned(state) || (state == core::TaskState::queued && waits_for == core::WaitsFor::nothing);
  }
};

std::optional<QueueTask> load_task(Turn& turn, std::int64_t id);  // one that is not final

// Who moves a task, and what the timeline says of it.
struct Cause {
  std::string_view actor;
  std::string_view detail = {};
};
inline constexpr Cause kByItself{"fairlead"};

// Moves the value by the table; a transition that is not in it fails the call. Nothing is written yet.
void advance(Turn& turn, QueueTask& task, core::TaskEvent event, const Cause& cause);
void add_note(Turn& turn, QueueTask& task, core::NoteKind kind, const Cause& cause);

// A task that is at work, or asked to stop: written as it stands.
void write_owned(Turn& turn, const QueueTask& task);
// A task that advance() made queued again: it finds out what it waits for. `held`: whether it held its locks.
void write_queued(Turn& turn, QueueTask& task, bool held);
// A task that advance() made final: goes to the history, lets go of what it held or waited for, and moves
// those that depend on it. `before`: as it was loaded, or submitted.
void write_final(Turn& turn, QueueTask& task, const QueueTask& before);

// advance() to an end and write_final().
void end_task(Turn& turn, QueueTask& task, core::TaskEvent event, std::string_view error_code,
              const Cause& cause);

}  // namespace fairlead::store
