// How a tunnel describes itself.
#include <algorithm>

#include "ssh/tunnel.hpp"

namespace fairlead::ssh {

namespace {

// A tunnel is as proven as its least proven forward.
core::Proof weakest(const std::vector<core::ForwardStatus>& forwards) {
  core::Proof proof = core::Proof::probe;
  for (const auto& forward : forwards) {
    if (forward.proof == core::Proof::none) return core::Proof::none;
    if (forward.proof == core::Proof::traffic) proof = core::Proof::traffic;
  }
  return proof;
}

}  // namespace

core::TunnelStatus Tunnel::status() const {
  core::TunnelStatus status;
  const bool up = state_ == core::TunnelState::connected || state_ == core::TunnelState::degraded;
  status.name = config_->name;
  status.state = state_;
  status.proof = up ? weakest(forwards_) : core::Proof::none;
  status.reason = reason_;
  status.detail = detail_;
  status.hint = core::describe(reason_).hint;
  status.actor = config_->actor;
  status.host = {config_->host, config_->port};
  status.ssh_user = config_->ssh_user;
  status.since = since_;
  if (connected_at_)
    status.uptime = std::chrono::duration_cast<base::Millis>(base::steady_now() - *connected_at_);
  status.attempts = backoff_.attempts();
  if (retry_.active()) status.next_attempt_in = retry_.remaining();
  status.reconnects = reconnects_;
  if (up) status.probe_round_trip = round_trip_;
  status.forwards = forwards_;
  status.has_health_check = !config_->health_checks.empty();
  status.health = health_result_;
  status.health_good = verdict_.good();
  if (held_since_) {
    status.health_hold = hold_;
    status.health_hold->left = hold_over_.remaining();
  }
  status.host_key_fingerprint = fingerprint_;
  status.algorithms = up ? algorithms_ : std::string();
  return status;
}

}  // namespace fairlead::ssh
