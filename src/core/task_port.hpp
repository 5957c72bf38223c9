// What the API asks of the queue; app/ has it. Loop thread only. Every answer comes once, later.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "core/ports.hpp"
#include "core/task_store.hpp"

namespace fairlead::core {

struct QueueStatus {
  StoreStatus store;
  std::string worker;  // the name of this daemon's worker; empty: it has none
  bool worker_live = false;
  bool draining = false;
  int running = 0, concurrency = 0;
};

// One piece of a running task's output, kept by the daemon that runs it.
struct OutputPart {
  TaskId id{0};
  bool is_error = false;
  std::string text;  // UTF-8
};

class TaskPort {
 public:
  virtual ~TaskPort() = default;
  virtual QueueStatus queue_status() const = 0;
  // `envelopes`: one, or an array of at most 1000. `key`: of the header Idempotency-Key, for one envelope; it
  // must not differ from the envelope's own. bad_request, too_large, conflict, forbidden (`admit` refused:
  // the message is the hook's), unavailable.
  virtual void submit(base::JsonView envelopes, std::string_view key, const Caller& caller,
                      Answer<std::vector<base::Result<Submitted>>> done) = 0;
  virtual void find(TaskId id, Answer<TaskDetail> done) = 0;
  virtual void list(TaskFilter filter, Answer<std::vector<TaskRecord>> done) = 0;
  virtual void order(TaskId id, TaskOrder order, const Caller& caller, Answer<OrderOutcome> done) = 0;
  virtual void pause(Pause pause, const Caller& caller, Answer<base::Unit> done) = 0;
  virtual void resume(Pause::Scope scope, std::string name, const Caller& caller,
                      Answer<base::Unit> done) = 0;
  virtual void pauses(Answer<std::vector<Pause>> done) = 0;
  virtual void stats(Answer<QueueStats> done) = 0;
  virtual void workers(Answer<std::vector<WorkerRecord>> done) = 0;
  virtual void drain(std::string worker, bool draining, const Caller& caller, Answer<base::Unit> done) = 0;
  // The newest output of a task that this daemon runs, or has just run; empty for others.
  virtual std::vector<OutputPart> output(TaskId id) const = 0;
  virtual std::string metrics() = 0;  // Prometheus text format 0.0.4
};

}  // namespace fairlead::core
