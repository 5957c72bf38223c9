// A generation of hooks without a daemon, for the command line: reads a folder, loads it in a policy process
// of its own, asks it. Each call runs the loop until the answer is there. One thread; owned by a command.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/policy_settings.hpp"
#include "loop/loop.hpp"
#include "policy/generation.hpp"

namespace fairlead::app {

class HookTrial {
 public:
  // `settings`: deadlines, and the folder. `said`: what scripts write with log(…).
  HookTrial(const core::PolicySettings& settings, std::function<void(const std::string&)> said);
  ~HookTrial();
  HookTrial(const HookTrial&) = delete;
  HookTrial& operator=(const HookTrial&) = delete;

  // Once, before anything else. Code::bad_config: one problem a line.
  base::Result<policy::Generation::Loaded> load();
  // Of the files' tests: {"tests": [{"name", "file", "line", "ok", "message"?}], "problems": […]}.
  base::Result<base::Json> run_tests();

  struct Failure {
    std::size_t hook = 0;
    std::string message;
  };
  struct Answer {
    policy::Generation::Outcome outcome;
    std::vector<Failure> failures;  // hooks that failed on the way
  };
  // `value`: of a transform, else null. With an explanation.
  Answer ask(core::HookEvent event, const base::Json& context, const base::Json* value);
  // Many at once, answered in their order; without explanations.
  std::vector<policy::Generation::Outcome> ask_all(
      const std::vector<std::pair<core::HookEvent, base::Json>>& calls);

  const policy::Source& source() const { return *source_; }
  const std::vector<policy::HookInfo>& hooks() const { return generation_->hooks(); }
  // Numbers of the event's hooks in the order they are asked.
  std::vector<std::size_t> hooks_of(core::HookEvent event) const;

 private:
  // Runs the loop until `done` holds.
  void run_until(const std::function<bool()>& done);
  void wake();

  std::function<void(const std::string&)> said_;
  std::shared_ptr<const policy::Source> source_;
  base::Log log_;  // without a sink: what goes wrong is in the answers
  loop::Loop loop_;
  std::unique_ptr<policy::Generation> generation_;
  std::vector<Failure> failures_;
  bool running_ = false;
};

}  // namespace fairlead::app
