// Executors as the worker sees them: each performs the tasks of one kind. exec/ has them, app/ registers
// them. Loop thread only.
//
// For one attempt the worker calls validate_pre, execute, validate_post and, when validate_post refused the
// result, rollback.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/task.hpp"
#include "core/task_result.hpp"

namespace fairlead::core {

// One attempt at a task.
struct TaskRun {
  TaskId id{0};
  Epoch epoch{0};
  int attempt = 1;
  TaskEnvelope envelope;
  // After this its children must not work any more; the spawner sees to it while the daemon is stopped, too.
  std::optional<base::BootTime> lease_until;
};

// One attempt under way; destroying it ends it, and `done` is not called afterwards.
class ExecutorCall {
 public:
  virtual ~ExecutorCall() = default;
  virtual void stop() {
  }  // gently, then hard: `done` comes with ExitClass::stopped, or with how it ended before
  virtual void renew_lease(base::BootTime) {}
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string_view kind() const = 0;
  // Before anything runs; also at submission, where this daemon has the executor. The error's code is
  // bad_request (validation) or forbidden (not on the allowlist); its message says how to mend it.
  virtual base::Result<> validate_pre(const TaskEnvelope& task) const = 0;
  using OnOutput = std::function<void(bool is_error, std::string_view bytes)>;  // as it comes; may be dropped
  using Done = std::function<void(TaskResult)>;
  // `done` is called once, later; it may destroy the call.
  virtual std::unique_ptr<ExecutorCall> execute(const TaskRun& run, OnOutput on_output, Done done) = 0;
  // Looks at a result that is ok().
  virtual base::Result<> validate_post(const TaskEnvelope& task, const TaskResult& result) const = 0;
  // Takes back what execute() did; `done` comes with how it went. Null: there is nothing to take back, and
  // `done` is not called.
  virtual std::unique_ptr<ExecutorCall> rollback(const TaskRun& run, const TaskResult& result, Done done);
};

// A copy shares the executors: who has found one may go on with it when the registry has others by then.
class ExecutorRegistry {
 public:
  base::Result<> add(std::unique_ptr<Executor> executor);       // conflict: the kind has one already
  std::shared_ptr<Executor> find(std::string_view kind) const;  // null: none
  std::vector<std::string_view> kinds() const;                  // sorted

 private:
  std::map<std::string, std::shared_ptr<Executor>, std::less<>> executors_;
};

}  // namespace fairlead::core
