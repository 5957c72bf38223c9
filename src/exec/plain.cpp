// `noop` and `sleep`: no process, for tests and benchmarks.
#include <algorithm>
#include <utility>

#include "base/json.hpp"
#include "exec/executors.hpp"
#include "exec/payload.hpp"
#include "exec/program.hpp"
#include "loop/timer.hpp"

namespace fairlead::exec {

namespace {

using core::ExitClass;

class EndsSoon final : public core::ExecutorCall {
 public:
  EndsSoon(loop::Loop& loop, core::TaskResult result, core::Executor::Done done)
      : result_(std::move(result)), done_(std::move(done)), end_(loop, "task end", [this] { finish(); }) {
    end_.schedule();
  }

 private:
  // May destroy this.
  void finish() {
    const auto done = std::move(done_);
    done(std::move(result_));
  }
  core::TaskResult result_;
  core::Executor::Done done_;
  loop::Deferred end_;
};

// {"fail": "message"} fails with that message; any other payload succeeds.
class Noop final : public core::Executor {
 public:
  explicit Noop(loop::Loop& loop) : loop_(loop) {}
  std::string_view kind() const override { return "noop"; }
  base::Result<> validate_pre(const core::TaskEnvelope&) const override { return base::success(); }
  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run, OnOutput, Done done) override {
    core::TaskResult result;
    const auto payload = base::Json::parse(run.envelope.payload);
    if (payload && (*payload)["fail"].is_string())
      result.error = core::make_task_error(core::task_error::kRuntime, (*payload)["fail"].text());
    return end_soon(loop_, std::move(result), std::move(done));
  }
  base::Result<> validate_post(const core::TaskEnvelope&, const core::TaskResult&) const override {
    return base::success();
  }

 private:
  loop::Loop& loop_;
};

class SleepCall final : public core::ExecutorCall {
 public:
  SleepCall(loop::Loop& loop, base::Millis time, base::Millis timeout, core::Executor::Done done)
      : timeout_(timeout),
        late_(time > timeout),
        began_(base::steady_now()),
        done_(std::move(done)),
        timer_(loop, "task sleep", [this] { finish(); }) {
    timer_.start(std::min(time, timeout));
  }
  void stop() override {
    stopped_ = true;
    timer_.start(base::Millis(0));
  }

 private:
  // May destroy this.
  void finish() {
    core::TaskResult result;
    result.duration = std::chrono::duration_cast<base::Millis>(base::steady_now() - began_);
    if (stopped_) {
      result.exit_class = ExitClass::stopped;
      result.error = core::make_task_error(core::task_error::kCancelled, "was stopped on request");
    } else if (late_) {
      result.exit_class = ExitClass::timed_out;
      result.error = core::make_task_error(
          core::task_error::kTimeout, "did not end within its timeout of " + base::format_duration(timeout_));
    }
    const auto done = std::move(done_);
    done(std::move(result));
  }

  base::Millis timeout_;
  bool late_, stopped_ = false;
  base::SteadyTime began_;
  core::Executor::Done done_;
  loop::Timer timer_;
};

class Sleep final : public core::Executor {
 public:
  explicit Sleep(loop::Loop& loop) : loop_(loop) {}
  std::string_view kind() const override { return "sleep"; }
  base::Result<> validate_pre(const core::TaskEnvelope& task) const override {
    const auto seconds = parse_sleep_payload(task.payload);
    if (!seconds) return seconds.error();
    return base::success();
  }
  std::unique_ptr<core::ExecutorCall> execute(const core::TaskRun& run, OnOutput, Done done) override {
    const auto seconds = parse_sleep_payload(run.envelope.payload);
    if (!seconds) return end_soon(loop_, refused_result(seconds.error()), std::move(done));
    const base::Millis time(static_cast<std::int64_t>(*seconds * 1000));
    return std::make_unique<SleepCall>(loop_, time, run.envelope.timeout, std::move(done));
  }
  base::Result<> validate_post(const core::TaskEnvelope&, const core::TaskResult&) const override {
    return base::success();
  }

 private:
  loop::Loop& loop_;
};

}  // namespace

std::unique_ptr<core::ExecutorCall> end_soon(loop::Loop& loop, core::TaskResult result,
                                             core::Executor::Done done) {
  return std::make_unique<EndsSoon>(loop, std::move(result), std::move(done));
}

std::unique_ptr<core::Executor> make_noop(loop::Loop& loop) {
  return std::make_unique<Noop>(loop);
}

std::unique_ptr<core::Executor> make_sleep(loop::Loop& loop) {
  return std::make_unique<Sleep>(loop);
}

}  // namespace fairlead::exec
