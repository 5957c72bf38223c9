// What the API can ask of the daemon, answered from its parts. Owned by the daemon; loop thread only.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/reload.hpp"
#include "app/state_dir.hpp"
#include "audit/audit_log.hpp"
#include "base/log.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "notify/notifier.hpp"
#include "policy/policy.hpp"
#include "ssh/tunnel_set.hpp"

namespace fairlead::app {

class Control final : public core::ControlPort {
 public:
  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    StateDir& state;
    audit::AuditLog& audit;
    core::EventPort& events;
    ssh::TunnelSet& tunnels;
    notify::Notifier& notifier;
    policy::Policy& policy;
    Reload& reload;
  };
  Control(Parts parts, core::ConfigPtr config);

  core::DaemonStatus daemon_status() const override;
  std::vector<core::TunnelStatus> tunnels() const override { return parts_.tunnels.status(); }
  base::Result<core::TunnelStatus> tunnel(std::string_view name) const override;
  base::Result<> up(std::string_view name, const core::Caller& caller) override;
  base::Result<> down(std::string_view name, const core::Caller& caller) override;
  base::Result<> restart(std::string_view name, const core::Caller& caller) override;
  base::Result<> reconnect(std::string_view name, const core::Caller& caller) override;
  void reload(const core::Caller& caller,
              std::function<void(base::Result<core::ReloadReport>)> done) override;
  void set_log_level(base::Level level, const core::Caller& caller) override;
  core::PolicyStatus policy_status() const override { return parts_.policy.status(); }
  core::NotifyStatus notify_status() const override { return parts_.notifier.status(); }
  void test_sender(std::string_view name, const core::Caller& caller,
                   std::function<void(base::Result<>)> done) override;

 private:
  base::Result<core::ReloadReport> on_reloaded(const core::Caller& caller,
                                               base::Result<core::ConfigPtr> result);
  void note(const core::Caller& caller, std::string event, std::string detail);

  Parts parts_;
  core::ConfigPtr config_;
  base::WallTime started_at_;
  base::WallTime loaded_at_;
  std::uint64_t generations_ = 1;  // handed out so far
  std::string last_reload_error_;
};

}  // namespace fairlead::app
