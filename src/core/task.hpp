// Tasks as values: what is submitted, what is stored, what a worker reports. Pure data; the rules of the
// envelope are in task_envelope.hpp, of the states in task_state.hpp.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "core/config.hpp"
#include "core/task_state.hpp"

namespace fairlead::core {

enum class TaskId : std::int64_t {};  // 1 and up, in order of submission; unique in one store
enum class Epoch : std::int64_t {};   // 0: never owned; grows with every change of ownership

constexpr std::int64_t number(TaskId id) {
  return static_cast<std::int64_t>(id);
}
constexpr std::int64_t number(Epoch epoch) {
  return static_cast<std::int64_t>(epoch);
}

constexpr std::size_t kMaxPayload = 256u << 10;     // bytes of JSON text
constexpr std::size_t kMaxErrorMessage = 4u << 10;  // bytes; longer ones are cut, and say so
constexpr std::size_t kMaxTaskLocks = 8;
constexpr std::size_t kMaxDependencies = 32;

// What becomes of a task that is at work when its worker cannot renew its lease.
enum class OnLeaseLoss : std::uint8_t {
  stop,      // its child is killed before the lease ends; another worker may take it then
  carry_on,  // "continue": the claim has an end of its own (its timeout and a minute), task and locks are
             // kept till then
};
std::string_view to_string(OnLeaseLoss value);  // "stop", "continue"

// What a submitter says, checked and with its defaults filled in (parse_envelope).
struct TaskEnvelope {
  std::string kind;                      // names the executor
  std::string payload = "{}";            // JSON text of any value, compact, at most kMaxPayload
  std::string capability;                // what its worker must offer; the kind unless said otherwise
  std::string target;                    // "", "site:NAME" or "node:NAME"
  std::vector<std::string> locks;        // "site:attic": sorted, no two alike
  int priority = 100;                    // 0..1000, lower first
  std::optional<base::WallTime> run_at;  // not before
  base::Millis timeout{600'000};         // of one attempt; 1 ms .. 7 days
  int max_attempts = 4;                  // 1..100: the first and three more, after 1, 5 and 15 minutes
  std::string idempotency_key;           // "": none
  std::vector<TaskId> depends_on;        // all must be done before; sorted, no two alike
  OnLeaseLoss on_lease_loss = OnLeaseLoss::stop;
  std::string actor;  // who it is attributed to
  ActorClass actor_class = ActorClass::automation;
  std::string trace_id;  // 32 lower-case hex digits (W3C trace context)
  bool operator==(const TaskEnvelope&) const = default;
};

// Where a task may be claimed: one indexed column. `target`: "", "site:…", "node:…" or "worker:…" (a hook's).
std::string_view capability_of(std::string_view route);
std::string route_of(std::string_view capability, std::string_view target);  // "script@", "script@node:nas"

struct TimelineEntry {
  base::WallTime time;  // the store's clock
  TaskEvent event = TaskEvent::submitted;
  std::optional<TaskState> from;
  TaskState to = TaskState::queued;
  std::string actor;   // who caused it: an actor, "worker:NAME" or "fairlead"
  std::string worker;  // who owned it then; may be empty
  Epoch epoch{0};      // after the transition
  std::string detail;  // one line; may be empty
};

// Beside the transitions the timeline keeps what did not change the state.
enum class NoteKind : std::uint8_t { cancel_requested, requeue_requested, late_report };
std::string_view to_string(NoteKind kind);
struct TimelineNote {
  base::WallTime time;
  NoteKind kind = NoteKind::late_report;
  std::string actor, worker;
  Epoch epoch{0};      // the one that the note is about
  std::string detail;  // of a late report: its result as JSON
};

// A task as it stands in the store.
struct TaskRecord {
  TaskId id{0};
  TaskEnvelope envelope;
  std::string route;
  TaskState state = TaskState::queued;
  WaitsFor waits_for = WaitsFor::nothing;
  std::string waits_detail;  // which lock, dependency or pause; empty for the others
  Epoch epoch{0};
  int attempt = 0;  // attempts begun: claims that were not handed back
  int lost_workers = 0;
  std::string worker;  // who owns it, or did last
  bool cancel_requested = false;
  base::WallTime submitted_at;
  std::optional<base::WallTime> run_at, claimed_at, started_at, finished_at;
  std::string result;      // JSON (task_result.hpp) of the last attempt that reported; may be empty
  std::string error_code;  // of that result
  TaskId retry_of{0};      // the finished task that this one repeats; 0: none
};

struct TaskDetail {
  TaskRecord task;
  std::vector<TimelineEntry> timeline;  // oldest first
  std::vector<TimelineNote> notes;
};

// --- workers
enum class WorkerState : std::uint8_t { online, late, offline };  // by the age of the last beat
std::string_view to_string(WorkerState state);

struct WorkerInfo {
  std::string name;  // `worker_id`: unique in the store; a restart under the same name is a new incarnation
  std::string site, node;
  std::vector<std::string> capabilities;  // sorted
  std::string version;
  int concurrency = 1;
  std::map<std::string, int> limits;  // tasks at a time of a capability, where that is fewer
  bool operator==(const WorkerInfo&) const = default;
};

// Capabilities and limits as a store keeps them: "gpu=1 script", and back.
std::string offer_text(const WorkerInfo& info);
void set_offer(WorkerInfo& info, std::string_view text);

// Who writes: an older incarnation's writes are refused.
struct WorkerKey {
  std::string name;
  std::int64_t incarnation = 0;
};

struct WorkerRecord {
  WorkerInfo info;
  std::int64_t incarnation = 0;
  WorkerState state = WorkerState::offline;
  bool draining = false;
  base::Millis beat_age{0};  // since the last one
  base::WallTime registered_at;
  int owned = 0;  // tasks claimed or running
};

}  // namespace fairlead::core
