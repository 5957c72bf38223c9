// The hooks in the daemon: owns the policy, the journal of its decisions, what flows keep, and the effects
// they may ask for; stands between the tunnels and the events for clients, so that hooks are told of changes.
// Owned by the daemon, outlives the tunnels; loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/child.hpp"
#include "core/notice.hpp"
#include "core/ports.hpp"
#include "policy/policy.hpp"
#include "store/sqlite/journal.hpp"

namespace fairlead::app {

class Hooks final : public core::EventPort, public core::Reloadable {
 public:
  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    core::AuditPort& audit;
    core::EventPort& events;
    core::SpawnPort& spawner;
    std::function<base::Result<core::HttpClient*>()> http_client;
    std::string state_folder;
  };
  Hooks(Parts parts, const core::Config& config);
  ~Hooks() override;

  policy::Policy& policy() { return policy_; }
  // What is made later than the hooks, and before begin().
  void set_notify(core::NotifyPort& notify);
  void set_control(core::ControlPort& control) { effects_.set_control(control); }
  // Loads the first generation; Code::bad_config with one problem a line.
  void begin(const core::ConfigPtr& config, std::function<void(base::Result<>)> done);
  // Writes what is not on disk yet; `done` is called once, later.
  void stop(base::Millis deadline, std::function<void()> done);

  // For the notifier: the `notification` and `redact` transforms and the built-in secret patterns.
  using Transformed = std::function<void(std::optional<core::Notice>)>;
  void transform_notice(core::Notice notice, Transformed done);

  // What hooks are told of the configuration follows a reload; the policy itself is a part of its own.
  std::string_view part() const override { return "hooks"; }
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

  // From the tunnels; goes on unchanged.
  void publish(std::string_view type, const base::Json& body) override;

 private:
  class NamesTicket;
  using Texts = std::vector<std::string>;
  // `redact` over each text, in their order; what the hooks cannot answer stays as it is.
  void redact(Texts texts, const char* purpose, std::function<void(Texts)> done);
  void redact_notice(core::Notice notice, Transformed done);

  base::Log& log_;
  core::EventPort& events_;
  policy::FlowStore store_;
  policy::Effects effects_;
  std::unique_ptr<store::Journal> journal_;  // null: none is wanted
  policy::Policy policy_;
  std::map<std::uint64_t, std::unique_ptr<core::PolicyCall>> calls_;  // of transforms under way
  std::uint64_t next_call_ = 1;
  std::vector<std::string> sender_names_;
};

}  // namespace fairlead::app
