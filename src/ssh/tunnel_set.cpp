#include "ssh/tunnel_set.hpp"

#include <algorithm>
#include <utility>

#include "ssh/libssh2_codec.hpp"

namespace fairlead::ssh {

namespace {
constexpr int kHandshakesAtOnce = 16;
}

// Holds the ports that the next configuration needs; gives them back when it is dropped.
class TunnelSet::ReloadTicket final : public core::Ticket {
 public:
  ReloadTicket(TunnelSet& set, core::ConfigPtr next, BoundByName bound)
      : set_(set), next_(std::move(next)), bound_(std::move(bound)) {}
  void commit() noexcept override { set_.switch_to(next_, std::move(bound_)); }

 private:
  TunnelSet& set_;
  core::ConfigPtr next_;
  BoundByName bound_;
};

TunnelSet::TunnelSet(Ports ports)
    : random_(base::random_seed()),
      gate_(ports.loop, kHandshakesAtOnce),
      site_{{ports.loop, ports.log, scratch_, make_libssh2_codec},
            ports.audit,
            ports.events,
            random_,
            gate_,
            std::move(ports.http_client)} {}

Tunnel* TunnelSet::find(std::string_view name) {
  const auto found = tunnels_.find(name);
  return found == tunnels_.end() ? nullptr : found->second.get();
}

const Tunnel* TunnelSet::find(std::string_view name) const {
  const auto found = tunnels_.find(name);
  return found == tunnels_.end() ? nullptr : found->second.get();
}

std::vector<core::TunnelStatus> TunnelSet::status() const {
  std::vector<core::TunnelStatus> all;
  for (const auto& [name, tunnel] : tunnels_) all.push_back(tunnel->status());
  return all;
}

void TunnelSet::stop_all() {
  for (auto& [name, tunnel] : tunnels_)
    if (tunnel->running()) (void)tunnel->stop(nullptr, core::Reason::none);
}

bool TunnelSet::would_run(const core::Tunnel& tunnel) const {
  if (const Tunnel* now = find(tunnel.name)) return now->running();
  return tunnel.autostart && !held_down_(tunnel.name);
}

const LocalListener* TunnelSet::holder_of(const core::Endpoint& endpoint) const {
  for (const auto& [name, tunnel] : tunnels_)
    if (const LocalListener* listener = tunnel->listener_on(endpoint)) return listener;
  return nullptr;
}

bool TunnelSet::in_our_own_way(const core::Endpoint& endpoint) const {
  return std::any_of(tunnels_.begin(), tunnels_.end(),
                     [&](const auto& entry) { return entry.second->listens_across(endpoint); });
}

// The sockets of a tunnel's local forwards. A port that another tunnel of ours holds is shared: that one is
// about to be changed or removed, because no two tunnels of one configuration claim the same port. So it is
// when it holds the port on other addresses (localhost becomes 0.0.0.0): those cannot be bound beside it, so
// the tunnel binds them itself when it starts, after the old listener has closed.
base::Result<Tunnel::Bound> TunnelSet::acquire(const core::Tunnel& tunnel) const {
  Tunnel::Bound bound(tunnel.forwards.size());
  for (std::size_t i = 0; i < tunnel.forwards.size(); ++i) {
    if (tunnel.forwards[i].kind != core::ForwardKind::local) continue;
    const LocalListener* holder = holder_of(tunnel.forwards[i].listen);
    auto fds = holder != nullptr ? holder->duplicate() : LocalListener::bind(tunnel.forwards[i].listen);
    if (!fds && fds.error().code == base::Code::conflict && in_our_own_way(tunnel.forwards[i].listen))
      continue;
    if (!fds) {
      base::Error error = fds.error();
      error.message = "tunnel " + tunnel.name + ": " + error.message;
      return error;
    }
    bound[i] = std::move(*fds);
  }
  return bound;
}

base::Result<std::unique_ptr<core::Ticket>> TunnelSet::prepare(const core::ConfigPtr& next) {
  BoundByName bound;
  const core::TunnelDiff plan = core::diff_tunnels(*config_, *next);
  for (const auto* names : {&plan.added, &plan.changed}) {
    for (const auto& name : *names) {
      const core::Tunnel& tunnel = next->tunnels.at(name);
      if (!would_run(tunnel)) continue;
      auto acquired = acquire(tunnel);
      if (!acquired) return acquired.error();
      bound[name] = std::move(*acquired);
    }
  }
  return std::unique_ptr<core::Ticket>(std::make_unique<ReloadTicket>(*this, next, std::move(bound)));
}

void TunnelSet::switch_to(const core::ConfigPtr& next, BoundByName bound) {
  const core::TunnelDiff plan = core::diff_tunnels(*config_, *next);
  config_ = next;
  std::set<std::string> to_start;
  for (const auto* names : {&plan.added, &plan.changed})
    for (const auto& name : *names)
      if (would_run(next->tunnels.at(name))) to_start.insert(name);
  for (const auto* names : {&plan.removed, &plan.changed}) {
    for (const auto& name : *names) {
      Tunnel& tunnel = *tunnels_.at(name);
      if (tunnel.state() != core::TunnelState::stopped)
        (void)tunnel.stop(nullptr, core::Reason::config_changed);
      tunnels_.erase(name);
    }
  }
  for (const auto* names : {&plan.added, &plan.changed}) {
    for (const auto& name : *names) {
      auto config = std::shared_ptr<const core::Tunnel>(next, &next->tunnels.at(name));
      auto tunnel = std::make_unique<Tunnel>(site_, std::move(config), next->runtime_dir, next_id_++,
                                             std::move(bound[name]));
      Tunnel& placed = *(tunnels_[name] = std::move(tunnel));
      if (to_start.contains(name)) (void)placed.start(nullptr);
    }
  }
}

}  // namespace fairlead::ssh
