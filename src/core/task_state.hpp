// The life of a task: its states, what a queued one waits for, the events that move it, and the codes of its
// errors. Pure. The table in task_state.cpp is the only list of legal transitions; docs/states/task.md is
// generated from it. A terminal state never changes: `task retry` of a finished task makes a new task.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fairlead::core {

enum class TaskState : std::uint8_t { awaiting_approval, queued, claimed, running, done, failed, cancelled };
std::string_view to_string(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view text);
bool is_final(TaskState state);  // done, failed, cancelled
bool is_owned(TaskState state);  // claimed, running: a worker has it

// What a queued task waits for; `nothing`: it is ready. Looked at in this order: the first that applies is
// shown.
enum class WaitsFor : std::uint8_t { nothing, dependency, time, pause, lock };
std::string_view to_string(WaitsFor waits);
std::optional<WaitsFor> parse_waits_for(std::string_view text);

enum class TaskEvent : std::uint8_t {
  submitted,          // accepted into the queue; the only event without a state before it
  claimed,            // a worker owns it
  started,            // its work has begun
  succeeded,          // its worker says so, under a live lease
  gave_up,            // it failed for good
  retry,              // it failed and will be tried again, at `run_at`
  handed_back,        // its worker stops, or was asked to let it go: nothing is counted against it
  worker_lost,        // its worker did not renew its lease: the attempt counts
  poisoned,           // it lost its worker twice
  cancelled,          // on request
  dependency_failed,  // a task that it depends on failed or was cancelled
};
std::string_view to_string(TaskEvent event);

struct TaskTransition {
  std::optional<TaskState> from;  // nothing: it was not there before
  TaskEvent event;
  TaskState to;
  bool new_epoch;  // the owner changes
};
std::span<const TaskTransition> task_transitions();

// The transition for (from, event), or nothing when it is illegal.
const TaskTransition* find_transition(std::optional<TaskState> from, TaskEvent event);

// `error.code` of a task that did not succeed. Stable: hooks and scripts compare them.
namespace task_error {
inline constexpr std::string_view kTimeout = "timeout";         // its own `timeout` passed
inline constexpr std::string_view kValidation = "validation";   // the executor refused it before or after
inline constexpr std::string_view kRuntime = "runtime";         // it ran and failed
inline constexpr std::string_view kNotStarted = "not_started";  // its program could not be started
inline constexpr std::string_view kLostWorker = "lost_worker";  // no live lease, attempts used up
inline constexpr std::string_view kPoison = "poison";           // lost its worker twice
inline constexpr std::string_view kCancelled = "cancelled";     // on request
inline constexpr std::string_view kDependency = "dependency";   // a task before it did not succeed
inline constexpr std::string_view kForbidden = "forbidden";     // not on this worker's allowlist
inline constexpr std::string_view kNoExecutor = "no_executor";  // no such kind at this worker
}  // namespace task_error

}  // namespace fairlead::core
