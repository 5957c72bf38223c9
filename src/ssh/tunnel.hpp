// A tunnel: keeps one line up, attempt after attempt, and says at any time how it stands and why. Every
// change of state goes through the table of core/tunnel_state.hpp, in apply(), and is logged, audited and
// published there. Owned by a TunnelSet. Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "core/backoff.hpp"
#include "core/hysteresis.hpp"
#include "core/ports.hpp"
#include "loop/timer.hpp"
#include "ssh/handshake_gate.hpp"
#include "ssh/health_check.hpp"
#include "ssh/line.hpp"

namespace fairlead::ssh {

// What all tunnels share.
struct TunnelSite {
  SessionSite session;
  core::AuditPort& audit;
  core::EventPort& events;
  base::Random& random;
  HandshakeGate& gate;
  HealthCheck::ClientSource http_client;
};

class Tunnel {
 public:
  // Bound listeners by forward index; an empty list where there is none yet.
  using Bound = std::vector<std::vector<base::UniqueFd>>;

  // `id` names the tunnel's files in `runtime_dir`; unique in the process.
  Tunnel(TunnelSite& site, std::shared_ptr<const core::Tunnel> config, std::string runtime_dir,
         std::uint64_t id, Bound bound);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  const core::Tunnel& config() const { return *config_; }
  core::TunnelState state() const { return state_; }
  bool running() const { return state_ != core::TunnelState::stopped && state_ != core::TunnelState::failed; }
  core::TunnelStatus status() const;
  // The bound socket of a local forward with this listen endpoint, or null.
  const LocalListener* listener_on(const core::Endpoint& endpoint) const;
  // Has a local forward bound where a listener for `endpoint` could not stand beside it.
  bool listens_across(const core::Endpoint& endpoint) const;

  // `caller`: who asks, null for the daemon itself.
  base::Result<> start(const core::Caller* caller);  // Code::already when running
  base::Result<> stop(const core::Caller* caller, core::Reason reason = core::Reason::by_operator);
  base::Result<> reconnect(const core::Caller* caller);  // Code::conflict when stopped or failed

 private:
  bool apply(core::TunnelEvent event, core::Reason reason, const std::string& detail,
             const core::Caller* caller = nullptr);
  void announce(const core::Transition& transition, const core::Caller* caller);
  void attempt();
  base::Result<> bind_listeners();
  void connect();
  bool may_shake_hands();
  void drop_line();
  void on_ready();
  void on_lost(const Failure& failure);
  void on_health(core::HealthResult result);

  TunnelSite& site_;
  std::shared_ptr<const core::Tunnel> config_;
  std::string runtime_dir_;
  std::uint64_t id_;

  core::TunnelState state_ = core::TunnelState::stopped;
  core::Reason reason_ = core::Reason::none;
  std::string detail_;
  base::WallTime since_;
  std::optional<base::SteadyTime> connected_at_;
  std::uint64_t reconnects_ = 0;
  bool was_connected_ = false;  // since it was started
  std::optional<base::Millis> round_trip_;
  std::string fingerprint_, algorithms_;

  core::Backoff backoff_;
  loop::Timer retry_;
  loop::Timer stable_;  // a minute of proven connection: the backoff starts small again
  std::vector<core::ForwardStatus> forwards_;
  core::ForwardStatus uncounted_;  // bytes of health checks
  Bound bound_;
  std::vector<std::unique_ptr<LocalListener>> listeners_;  // by forward index, null for remote ones

  std::unique_ptr<HandshakeGate::Pass> pass_;
  loop::Timer place_;  // takes the pass away from an attempt that does not get through
  std::unique_ptr<Line> line_;
  core::Hysteresis verdict_;
  std::optional<core::HealthResult> health_result_;
  std::unique_ptr<HealthCheck> health_;
};

}  // namespace fairlead::ssh
