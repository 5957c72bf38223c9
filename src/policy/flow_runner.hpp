// The flows of one generation: starts each at its interval, carries its effects to the world and the answers
// back. Owned by Policy beside the generation; loop thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/policy_settings.hpp"
#include "loop/timer.hpp"
#include "policy/effects.hpp"
#include "policy/generation.hpp"
#include "policy/hook_lines.hpp"

namespace fairlead::policy {

class FlowRunner {
 public:
  // All outlive it.
  FlowRunner(loop::Loop& loop, HookLines& log, Generation& generation, Effects& effects,
             core::PolicyAllow allow);

  void begin();  // the intervals run from now on
  // No flow is started any more; those under way may end. `ended` is called once, later, when none is left or
  // after `deadline`, with how many were given up.
  void retire(base::Millis deadline, std::function<void(std::size_t given_up)> ended);

  void on_step(base::JsonView step);  // from the generation
  void on_restarted();                // the process is gone, and every flow with it
  std::size_t under_way() const { return flows_.size(); }

 private:
  struct Flow {
    std::size_t hook = 0;
    int effects = 0;  // asked for so far
    std::unique_ptr<RunningEffect> effect;
  };
  void start(std::size_t hook);
  void perform(std::uint64_t id, Flow& flow, base::JsonView step);
  void answer(std::uint64_t id, EffectResult result);
  void end(std::uint64_t id, const std::string& failure);
  bool send(std::uint64_t id, base::Json message);
  void check_retired();

  loop::Loop& loop_;
  HookLines& log_;
  Generation& generation_;
  Effects& effects_;
  core::PolicyAllow allow_;
  std::vector<std::unique_ptr<loop::Timer>> intervals_;
  std::map<std::uint64_t, Flow> flows_;
  std::vector<std::unique_ptr<RunningEffect>> over_;  // destroyed outside of their own callbacks
  loop::Deferred bury_;
  loop::Timer retired_;
  std::function<void(std::size_t)> ended_;
  std::uint64_t next_id_ = 1;
};

}  // namespace fairlead::policy
