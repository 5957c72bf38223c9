// The policy of the daemon: the generation of hooks that is asked, the ones that are leaving, and the next
// one on trial. Owned by the daemon; loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "core/journal.hpp"
#include "core/policy.hpp"
#include "core/policy_settings.hpp"
#include "core/policy_status.hpp"
#include "core/ports.hpp"
#include "policy/canary.hpp"
#include "policy/effects.hpp"
#include "policy/flow_runner.hpp"
#include "policy/generation.hpp"
#include "policy/hook_lines.hpp"

namespace fairlead::policy {

class Policy final : public core::PolicyPort, public core::SlowReloadable {
 public:
  // All outlive it; `journal` and `notify` may be null.
  struct Ports {
    loop::Loop& loop;
    base::Log& log;
    core::AuditPort& audit;
    core::EventPort& events;
    Effects& effects;
    core::JournalPort* journal = nullptr;
    core::NotifyPort* notify = nullptr;
  };
  // `host`: path of fairlead-host; `shipped`: fairlead's own lua/ folder.
  Policy(Ports ports, std::string host, std::string shipped);
  ~Policy() override;

  // The first generation. Error, one problem a line: there is none, and nothing is asked.
  void begin(const core::ConfigPtr& config, std::function<void(base::Result<>)> done);
  // Flows are given up, the processes end.
  void stop();
  core::PolicyStatus status() const;
  // Before anything is asked: what is made later than the policy, and uses it.
  void set_notify(core::NotifyPort& notify) { ports_.notify = &notify; }

  bool asks(core::HookEvent event) const override;
  std::unique_ptr<core::PolicyCall> decide(core::HookEvent event, base::Json context, OnAnswer done) override;
  std::unique_ptr<core::PolicyCall> transform(core::HookEvent event, base::Json value, base::Json context,
                                              OnAnswer done) override;
  void observe(core::HookEvent event, base::Json context) override;
  void refused(core::HookEvent event, const core::PolicyAnswer& answer, const std::string& what) override;

  std::string_view part() const override { return "policy"; }
  std::unique_ptr<core::Preparing> prepare(const core::ConfigPtr& next, Done done) override;

 private:
  class Call;
  class Trial;
  class SwitchTicket;
  // A generation and its flows.
  struct Live {
    std::shared_ptr<Generation> generation;
    std::unique_ptr<FlowRunner> flows;
    Generation::Loaded loaded;
    core::PolicySettings settings;
    base::WallTime since;
    bool over = false;  // its flows have ended and its calls are answered
  };
  std::unique_ptr<Canary> make_canary(const core::PolicySettings& settings,
                                      std::vector<core::DecisionPtr> sample, Canary::Done done);
  std::unique_ptr<Live> make_live(Canary::Candidate candidate, core::PolicySettings settings);
  void switch_to(std::unique_ptr<Live> next);
  void retire(std::unique_ptr<Live> old);
  std::unique_ptr<core::PolicyCall> ask(core::HookEvent event, base::Json context, const base::Json* value,
                                        OnAnswer done);
  void complete(base::Json& context);
  // A call as the journal keeps it; a transform's value stands in the context as `value`.
  struct Asked {
    core::HookEvent event;
    base::Json context;
    std::uint64_t generation;
    base::SteadyTime at;
  };
  void record(const Asked& asked, const Generation::Outcome& outcome);
  void on_failed(const Live& live, std::size_t hook, const std::string& message);
  void on_struck(const Live& live, std::size_t hook, const std::string& why);
  void on_logged(const Live& live, std::size_t hook, const std::string& text);

  Ports ports_;
  std::string host_, shipped_;
  base::Random random_;
  HookLines lines_;
  std::unique_ptr<Live> current_;
  std::vector<std::unique_ptr<Live>> leaving_;
  loop::Deferred bury_;
  std::unique_ptr<Canary> first_;
  std::uint64_t numbers_ = 0;  // handed out so far
  std::string last_error_;
  std::vector<core::EventCount> counts_;
};

}  // namespace fairlead::policy
