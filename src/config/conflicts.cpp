#include "config/conflicts.hpp"

#include "base/text.hpp"

namespace fairlead::config {

namespace {

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}
bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos;
}
// localhost is 127.0.0.1 and ::1.
bool is_loopback_name(std::string_view host, std::string_view address) {
  return host == "localhost" && (address == "127.0.0.1" || address == "::1");
}

// "::" takes IPv4 too on most systems, so that it overlaps with everything; 0.0.0.0 only with what is not
// IPv6.
bool overlap(std::string_view a, std::string_view b) {
  if (a == b || is_loopback_name(a, b) || is_loopback_name(b, a)) return true;
  if (a == "::" || b == "::") return true;
  return (is_wildcard(a) && !is_ipv6(b)) || (is_wildcard(b) && !is_ipv6(a));
}

}  // namespace

void ListenClaims::claim(const core::Tunnel& tunnel, const core::Forward& forward, Position at,
                         Position tunnel_at) {
  const bool local = forward.kind == core::ForwardKind::local;
  const std::string machine = local ? "" : base::lower(to_string(core::Endpoint{tunnel.host, tunnel.port}));
  auto& earlier = claims_[machine + "|" + std::to_string(forward.listen.port)];
  std::string host = base::lower(forward.listen.host);
  for (const Claim& other : earlier) {
    if (!overlap(other.host, host)) continue;
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
