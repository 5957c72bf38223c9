// The store port: everything that tasks and workers are kept by. Two backends, one test-suite
// (tests/contract). Owned by app/; loop thread only.
//
// Every call answers once, later, on the loop, through its `done`; nothing after the store is destroyed. A
// call is one transaction: all of it happened or nothing did. Errors of any call:
//   unavailable  the store is away: nothing is known to have happened (a commit whose answer was lost may
//                have). Safe to repeat: submissions by their idempotency key, everything else by its epoch.
//   unsupported  the schema is newer than this binary
//   io, protocol the disk is full, the file is damaged
// All times are the store's own clock.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/task.hpp"

namespace fairlead::core {

template <typename T>
using Answer = std::function<void(base::Result<T>)>;

struct StoreStatus {
  enum class State : std::uint8_t { opening, open, away, refused };  // refused: waiting does not help
  State state = State::opening;
  std::string backend;                  // "sqlite", "postgresql"
  std::string place;                    // the file, or host and database; never a password
  int schema = 0;                       // version found; 0: not known yet
  std::string hints;                    // how news arrive: "local", "listen", "poll" and why
  std::string error;                    // why it is away or refused, with the cure
  std::optional<base::WallTime> since;  // of this state
};
std::string_view to_string(StoreStatus::State state);

// One change of a task's state, for hooks, events and metrics.
struct TaskChange {
  TaskId id{0};
  std::string kind;
  std::optional<TaskState> from;
  TaskState to = TaskState::queued;
  TaskEvent event = TaskEvent::submitted;
  std::string worker, detail;
};

struct Submission {
  TaskEnvelope envelope;
  std::string route;   // route_of(): of the envelope, or what a hook chose
  TaskId retry_of{0};  // of `task retry`
};
struct Submitted {
  TaskId id{0};
  bool existed = false;  // the idempotency key was known, with the same fingerprint
  TaskState state = TaskState::queued;
  WaitsFor waits_for = WaitsFor::nothing;
};

// --- what a worker says and gets, once per turn of its loop
struct Started {
  TaskId id{0};
  Epoch epoch{0};
};
struct Report {
  enum class Outcome : std::uint8_t {
    done,
    failed,       // for good
    again,        // tried again after `delay`, unless max_attempts are used up: then it has failed
    handed_back,  // ready again at once; the attempt is not counted
    cancelled,    // stopped because a cancel was requested
  };
  TaskId id{0};
  Epoch epoch{0};
  Outcome outcome = Outcome::done;
  bool started = true;     // its work had begun: `started` need not have been said before
  base::Millis delay{0};   // of `again`
  std::string result;      // JSON (task_result.hpp)
  std::string error_code;  // of the result
  std::string detail;      // for the timeline: "exit 0 in 12 ms"
};
std::string_view to_string(Report::Outcome outcome);  // "handed_back"
struct ClaimSlots {
  std::vector<std::string> routes;  // of one capability
  int most = 0;                     // tasks that can be started
};
struct Exchange {
  WorkerKey worker;
  std::vector<Started> started;
  std::vector<Report> reports;
  std::vector<ClaimSlots> slots;  // best first by priority, then age, within each; `most` in all
  int most = 0;
};
struct Claimed {
  TaskRecord task;                      // epoch, attempt and envelope are set
  std::optional<base::Millis> own_end;  // on_lease_loss continue: the claim's own end, from now
};
// What the worker must do about tasks that it owns.
struct StopRequest {
  TaskId id{0};
  Epoch epoch{0};
  bool cancel = true;  // false: hand it back
};
struct ReportOutcome {
  TaskId id{0};
  // The epoch is the task's, and this incarnation's lease is live or the claim's own end has not come.
  bool accepted = false;                // false: the epoch was stale or the lease dead; kept as a late report
  TaskState state = TaskState::queued;  // the task's now
};
struct ExchangeOutcome {
  std::vector<ReportOutcome> reports;  // one for each, in order
  std::vector<Claimed> claimed;
  std::vector<TaskChange> changes;  // claims, reports, and what they set free
  std::vector<StopRequest> stops;   // orders for tasks that this worker owns
  bool lease_live = true;           // false: this incarnation owns nothing any more; it must register again
};

struct Beat {
  WorkerKey worker;
  base::Millis lease{30'000};  // from the store's now
};
struct BeatOutcome {
  bool lease_live = true;  // false: register again
  bool draining = false;
  std::vector<StopRequest> stops;
};

// What keeps the queue moving by itself; any daemon may, all of them do. Bounded work a call.
struct Tending {
  std::vector<TaskChange> changes;             // promoted tasks have none: they were queued before
  std::uint64_t promoted = 0;                  // waits_for is nothing now
  std::uint64_t forgotten = 0;                 // history rows deleted
  std::vector<std::string> lost_workers;       // whose leases have run out just now
  bool more = false;                           // call again at once
  std::optional<base::Millis> next_due;        // until the next task is due or pause ends
  std::optional<base::Millis> next_lease_end;  // until a worker is lost, if it does not renew
  bool clock_stepped =
      false;  // the store's clock has jumped against this machine's boot clock: nothing is reaped
};
struct TendSettings {
  // Of finished tasks, and of workers that were not seen since.
  base::Millis history_age{30LL * 24 * 3'600'000};
  std::uint64_t history_count = 1'000'000;
  base::Millis key_memory{7LL * 24 * 3'600'000};  // idempotency keys, after the task's end
  base::Millis lease{30'000};                     // reaping pauses this long after a clock step
  // False: nothing goes by its age, as the store's clock may be wrong. Nor does it right after a clock step.
  bool by_age = true;
};

// --- operators
struct TaskFilter {
  std::vector<TaskState> states;  // empty: those that are not final
  std::string kind, worker;       // empty: any
  std::optional<WaitsFor> waits_for;
  TaskId before{0};        // ids below; 0: from the newest
  std::size_t most = 100;  // 1..1000; newest first
};
enum class TaskOrder : std::uint8_t {
  cancel,   // queued: at once; owned: its worker is asked, and a lost one's task is not tried again
  requeue,  // owned: its worker is asked to hand it back; queued and waiting for time: now
  retry,    // final: a new task, the same again; queued and waiting for time: now
};
struct OrderOutcome {
  TaskId id{0};  // of `retry`: the new one's, where there is one
  TaskState state = TaskState::queued;
  bool requested = false;  // the worker was asked; nothing has changed yet
  std::vector<TaskChange> changes;
};

struct Pause {
  enum class Scope : std::uint8_t { everything, kind, site };
  Scope scope = Scope::everything;
  std::string name;                     // of the kind or site
  std::optional<base::WallTime> until;  // nothing: until somebody resumes
  std::string actor, why;
  base::WallTime since;
};
std::string_view to_string(Pause::Scope scope);  // "all", "kind", "site"

struct QueueStats {
  struct Row {
    std::string kind;
    TaskState state = TaskState::queued;
    WaitsFor waits_for = WaitsFor::nothing;
    std::uint64_t count = 0;
    base::Millis oldest{0};  // since it came into that state
  };
  std::vector<Row> rows;            // those that are not final
  std::uint64_t history = 0;        // finished tasks that are kept
  base::Millis oldest_snapshot{0};  // of somebody else's open transaction that holds up cleaning; 0: none
};

// What may be done to a schema that is older than this binary's, or not there yet.
enum class Opening : std::uint8_t {
  migrate,  // bring it to what this binary knows
  look,     // nothing: the store is `refused`, with the schema that was found
};

class TaskStore {
 public:
  virtual ~TaskStore() = default;

  // Opens, migrates and keeps trying; status() and `on_state` tell. `on_hint`: there may be work, or an order
  // for a worker, that this daemon has not seen (also its own submissions'). Both on the loop, never from
  // inside a call.
  virtual void begin(std::function<void()> on_state, std::function<void()> on_hint,
                     Opening opening = Opening::migrate) = 0;
  virtual StoreStatus status() const = 0;
  // Answers what is under way; `gone` is called once, later.
  virtual void stop(base::Millis deadline, std::function<void()> gone) = 0;

  // One answer for each, in order: conflict: the key is known with another fingerprint (or kind's payload);
  // not_found: a dependency is not there.
  virtual void submit(std::vector<Submission> tasks, Answer<std::vector<base::Result<Submitted>>> done) = 0;

  // A new incarnation, and its first beat. What stands in the store under this name is lost (worker_lost),
  // but for those of `keeps` that it may keep: the epoch is the task's, and the older incarnation's lease is
  // still live or the claim has an end of its own (on_lease_loss continue) that has not come. A restarted
  // daemon keeps none: its children died with it.
  virtual void register_worker(WorkerInfo info, base::Millis lease, std::vector<Started> keeps,
                               Answer<WorkerKey> done) = 0;
  virtual void beat(Beat beat, Answer<BeatOutcome> done) = 0;
  virtual void exchange(Exchange exchange, Answer<ExchangeOutcome> done) = 0;
  virtual void leave(WorkerKey worker, Answer<base::Unit> done) = 0;  // gracefully: the lease ends now
  virtual void tend(TendSettings settings, Answer<Tending> done) = 0;

  virtual void find(TaskId id, Answer<TaskDetail> done) = 0;  // not_found; in history, too
  virtual void list(TaskFilter filter, Answer<std::vector<TaskRecord>> done) = 0;  // payloads left out
  // not_found; conflict: the state does not allow it, and the message says which does.
  virtual void order(TaskId id, TaskOrder order, Actor actor, Answer<OrderOutcome> done) = 0;
  virtual void pause(Pause pause, Answer<base::Unit> done) = 0;  // again: the newer holds
  virtual void resume(Pause::Scope scope, std::string name, Answer<base::Unit> done) = 0;  // not_found
  virtual void pauses(Answer<std::vector<Pause>> done) = 0;
  virtual void stats(Answer<QueueStats> done) = 0;
  virtual void workers(Answer<std::vector<WorkerRecord>> done) = 0;
  virtual void drain(std::string worker, bool draining, Answer<base::Unit> done) = 0;  // not_found
};

}  // namespace fairlead::core
