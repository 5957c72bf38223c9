// All tunnels of the daemon, by name, and their part in a reload: only what changed is touched.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/config_diff.hpp"
#include "core/ports.hpp"
#include "ssh/tunnel.hpp"

namespace fairlead::ssh {

class TunnelSet final : public core::Reloadable {
 public:
  // What the set needs of the daemon; all outlive it.
  struct Ports {
    loop::Loop& loop;
    base::Log& log;
    core::AuditPort& audit;
    core::EventPort& events;
    HealthCheck::ClientSource http_client;
  };
  explicit TunnelSet(Ports ports);

  // Those put down by hand stay down: asked when a tunnel would start by itself.
  void set_held_down(std::function<bool(const std::string&)> held_down) { held_down_ = std::move(held_down); }

  Tunnel* find(std::string_view name);
  const Tunnel* find(std::string_view name) const;
  std::vector<core::TunnelStatus> status() const;
  // The first configuration: unlike in a reload, a port that is taken is that tunnel's trouble alone.
  void begin(const core::ConfigPtr& config) { switch_to(config, {}); }
  // Stops every tunnel, for the daemon's end.
  void stop_all();

  std::string_view part() const override { return "tunnels"; }
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class ReloadTicket;
  using BoundByName = std::map<std::string, Tunnel::Bound>;
  base::Result<Tunnel::Bound> acquire(const core::Tunnel& tunnel) const;
  const LocalListener* holder_of(const core::Endpoint& endpoint) const;
  bool in_our_own_way(const core::Endpoint& endpoint) const;
  bool would_run(const core::Tunnel& tunnel) const;
  void switch_to(const core::ConfigPtr& next, BoundByName bound);

  base::Random random_;
  std::array<std::uint8_t, 64 << 10> scratch_;
  HandshakeGate gate_;
  TunnelSite site_;
  std::function<bool(const std::string&)> held_down_ = [](const std::string&) { return false; };
  std::uint64_t next_id_ = 1;
  core::ConfigPtr config_ = std::make_shared<core::Config>();  // what runs
  std::map<std::string, std::unique_ptr<Tunnel>, std::less<>> tunnels_;
};

}  // namespace fairlead::ssh
