// One generation of hooks: a set of files, the process that runs them, and what happens when it is late,
// crashes or is started anew. Answers every call it takes, whatever the process does. Owned by Policy; loop
// thread only.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/log.hpp"
#include "core/policy.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "policy/host_process.hpp"
#include "policy/settings.hpp"
#include "policy/source.hpp"

namespace fairlead::policy {

struct HookInfo {
  core::HookEvent event = core::HookEvent::every;
  std::string name, file;
  int line = 0;
  bool standard = false;
  base::Millis every{0};
  int strikes = 0;
  base::Millis late_cpu{0};  // that it used when its process was ended for being late, since its last strike
  bool quarantined = false;
  std::uint64_t failures = 0;  // errors and wrong results
  std::string label() const { return file + ":" + std::to_string(line) + " " + name; }
};

class Generation {
 public:
  // What the rest of the policy is told, while the generation lives. `hook` is a number in hooks().
  struct Observer {
    std::function<void(std::size_t hook, const std::string& message)> failed;  // an error, or a wrong result
    std::function<void(std::size_t hook, const std::string& why)>
        struck;  // its process was ended because of it
    // log(…) of a script; of no hook where a file's top level runs.
    std::function<void(std::size_t hook, const std::string& text)> logged;
    std::function<void(base::JsonView step)> stepped;  // a flow's effect, end or failure
    std::function<void()> restarted;                   // every flow of it is gone
  };
  struct Loaded {
    std::vector<Problem> warnings;
    std::vector<std::string> switched_off;
  };
  // A call's outcome for whoever submitted it.
  struct Outcome {
    core::PolicyAnswer answer;
    std::optional<std::size_t> hook;  // that gave the answer
    base::Json asked;                 // with `explain`
  };
  using Done = std::function<void(Outcome)>;

  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    std::string host;  // path of fairlead-host
    Deadlines deadlines;
  };
  Generation(Parts parts, std::uint64_t number, std::shared_ptr<const Source> source);
  ~Generation();
  // Before load(), and again when somebody else takes it over: every function must be there.
  void set_observer(Observer observer) { observer_ = std::move(observer); }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Starts the process and loads every file; once. Error: one problem a line.
  void load(std::function<void(base::Result<Loaded>)> done);
  // Runs the operator's tests: {"tests": …, "problems": …}. Only after load(), while nothing else is asked.
  void run_tests(std::function<void(base::Result<base::Json>)> done);
  // A fresh process: what tests and replayed calls have left behind in the hooks' own variables is gone.
  void recycle(std::function<void(base::Result<Loaded>)> done);

  std::uint64_t number() const { return number_; }
  const Source& source() const { return *source_; }
  const std::vector<HookInfo>& hooks() const { return hooks_; }
  bool asks(core::HookEvent event) const;
  const std::vector<std::string>& sandbox() const { return sandbox_; }
  const std::vector<std::string>& sandbox_missing() const { return sandbox_missing_; }
  int pid() const { return process_ ? process_->pid() : 0; }
  std::uint64_t restarts() const { return restarts_; }

  // Answered once, later. `fields`: the ctx with clock and seed; `value`: of a transform. The id can be
  // withdrawn.
  std::uint64_t ask(core::HookEvent event, const base::Json& fields, const base::Json* value, bool explain,
                    Done done);
  void withdraw(std::uint64_t id);

  // One step of a flow; the answer comes to `stepped`. False: the process is not there now, and the flow is
  // lost.
  bool step_flow(std::uint64_t flow, base::Json message);
  // Forgets a flow that waits for an effect.
  void cancel_flow(std::uint64_t flow);

  // Told once, later, when every call is answered. `done` may not destroy the generation.
  void when_idle(std::function<void()> done);

 private:
  enum class Stage : std::uint8_t { idle, loading, testing, ready, broken };
  struct Call {
    std::uint64_t id = 0;
    core::HookEvent event = core::HookEvent::every;
    std::string line;
    Done done;  // empty: withdrawn, or a flow's step
    bool single = false;
    std::uint64_t flow = 0;  // a step of this flow: its answer goes to `stepped`
    std::string trouble;     // not to be asked: the safe default holds, because of this
  };

  void start_process();
  void enter(Stage stage);
  void on_line(const std::string& line);
  void on_loaded(base::JsonView message);
  std::optional<Call> take_answered(const std::function<bool(const Call&)>& matches);
  void on_reply(base::JsonView message);
  void on_step(base::JsonView message);
  void on_gone(const std::string& why);
  void on_late();
  void drop_process();
  void blame(bool crashed, const std::string& why);
  void on_tests(base::JsonView message);
  void load_ended(base::Result<Loaded> result);
  void flush();
  void send_waiting();
  void give_safe_default(const Call& call, const std::string& why, const std::string& hook = {});
  std::string file_under_way() const;
  void lose_flow(std::uint64_t flow, const std::string& why);
  void give_up_waiting(const std::string& why);
  void note_failures(base::JsonView failed);
  bool quarantined(core::HookEvent event) const;

  Parts parts_;
  std::uint64_t number_;
  std::shared_ptr<const Source> source_;
  Observer observer_;
  Stage stage_ = Stage::idle;
  std::unique_ptr<HostProcess> process_;
  std::vector<std::unique_ptr<HostProcess>> ended_;  // destroyed outside of their own callbacks
  std::vector<HookInfo> hooks_;
  std::vector<bool> asked_events_;  // by event: a hook is registered for it
  std::vector<std::string> sandbox_, sandbox_missing_;
  std::function<void(base::Result<Loaded>)> load_done_;
  std::function<void(base::Result<base::Json>)> tests_done_;
  std::function<void()> idle_done_;
  std::uint64_t restarts_ = 0;
  std::uint64_t next_id_ = 1;
  // Each in the order of the ids.
  std::deque<Call> troubled_;  // to be given the safe default
  std::deque<Call> waiting_;
  std::deque<Call> in_flight_;
  base::Millis cpu_at_batch_{0};
  loop::Deferred flush_;
  loop::Deferred bury_;
  base::SteadyTime batch_began_;
  base::Millis batch_deadline_{0};
  loop::Timer deadline_;  // of the batch, of loading, of the tests
  loop::Timer patience_;  // calls do not wait longer for a process that is started anew
  loop::Timer restart_;
};

}  // namespace fairlead::policy
