#include "config/conflicts.hpp"

#include "base/text.hpp"
#include "core/overlap.hpp"

namespace fairlead::config {

void ListenClaims::claim(const core::Tunnel& tunnel, const core::Forward& forward, Position at,
                         Position tunnel_at) {
  const bool local = forward.kind == core::ForwardKind::local;
  const std::string machine = local ? "" : base::lower(to_string(core::Endpoint{tunnel.host, tunnel.port}));
  auto& earlier = claims_[machine + "|" + std::to_string(forward.listen.port)];
  std::string host = base::lower(forward.listen.host);
  for (const Claim& other : earlier) {
    if (!core::listens_overlap(other.host, host)) continue;
    const std::string port = std::to_string(forward.listen.port);
    const std::string what =
        local ? "local port " + port : "port " + port + " of " + base::printable(machine, 80);
    problems_.add(other.at == at ? tunnel_at : at,
                  what + " is claimed by tunnel " + in_quotes(other.tunnel) + " already, on line " +
                      std::to_string(other.at.line),
                  "listen on another port");
    break;
  }
  earlier.push_back({tunnel.name, std::move(host), at});
}

}  // namespace fairlead::config
