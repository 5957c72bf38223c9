// Performs what flows ask for, when the configuration allows it: the last place where a hook's wish meets the
// machine. Every effect is bounded in time and size, and (but for waiting and reading) audited: each of a
// minute's first hundred of its kind, the others as a number. Owned by Policy; loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "base/log.hpp"
#include "core/child.hpp"
#include "core/effects.hpp"
#include "core/notice.hpp"
#include "core/policy_settings.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "policy/flow_store.hpp"
#include "policy/line_budget.hpp"

namespace fairlead::policy {

struct EffectResult {
  bool good = true;
  bool forbidden = false;  // the flow sees an error, not a nil
  base::Json value;
  std::string message;
};

// One effect under way; destroying it cancels it, and `done` is not called afterwards.
class RunningEffect {
 public:
  virtual ~RunningEffect() = default;
};

class Effects {
 public:
  using Done = std::function<void(EffectResult)>;
  // All outlive it; the pointers may be null: then what needs them fails with a clear message.
  struct Ports {
    loop::Loop& loop;
    base::Log& log;
    core::AuditPort& audit;
    core::EventPort& events;
    FlowStore& store;
    core::SpawnPort* spawner = nullptr;
    core::NotifyPort* notify = nullptr;
    std::function<base::Result<core::HttpClient*>()> http_client;
    core::ControlPort* control = nullptr;
  };
  // `minute`: how long the audit's allowance is for.
  explicit Effects(Ports ports, base::Millis minute = LineBudget::kMinute);
  // What is made later, and before any flow runs.
  void set_control(core::ControlPort& control) { ports_.control = &control; }
  void set_notify(core::NotifyPort& notify) { ports_.notify = &notify; }

  // `hook`: the flow's name, for the audit. `done` is called once, later.
  std::unique_ptr<RunningEffect> perform(const core::EffectInfo& effect, base::JsonView arguments,
                                         const std::string& hook, const core::PolicyAllow& allow, Done done);
  void end() { records_.end(); }  // no flow runs any more: what the audit does not have yet goes there

 private:
  base::Result<> permitted(const core::EffectInfo& effect, base::JsonView arguments,
                           const core::PolicyAllow& allow) const;
  void note(const core::EffectInfo& effect, base::JsonView arguments, const std::string& hook, bool refused);
  void record(const LineBudget::Key& key, const std::string& what);
  EffectResult at_once(const core::EffectInfo& effect, base::JsonView arguments, const std::string& hook);
  std::unique_ptr<RunningEffect> run_child(base::JsonView arguments, Done done);
  std::unique_ptr<RunningEffect> run_request(base::JsonView arguments, Done done);
  EffectResult move_tunnel(core::Effect effect, const std::string& name, const std::string& hook);

  Ports ports_;
  LineBudget records_;
};

}  // namespace fairlead::policy
