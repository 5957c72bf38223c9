#include "core/policy_settings.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/url.hpp"

namespace fairlead::core {

namespace {

// "host" allows the scheme's own port alone, "host:port" that port; "*.domain" any name below the domain.
bool host_matches(std::string_view pattern, std::string_view host, std::uint16_t port,
                  std::uint16_t own_port) {
  std::uint64_t wanted = own_port;
  const auto colon = pattern.rfind(':');
  if (colon != std::string_view::npos && pattern.find(']', colon) == std::string_view::npos) {
    const auto number = base::parse_unsigned(pattern.substr(colon + 1));
    if (!number) return false;
    wanted = *number;
    pattern = pattern.substr(0, colon);
  }
  if (wanted != port) return false;
  if (pattern.starts_with('[') && pattern.ends_with(']'))  // IPv6: a parsed URL has no brackets
    pattern = pattern.substr(1, pattern.size() - 2);
  const std::string name = base::lower(host), rule = base::lower(pattern);
  if (rule.starts_with("*."))
    return name.size() > rule.size() - 1 && name.ends_with(std::string_view(rule).substr(1));
  return name == rule;
}

}  // namespace

bool allows_command(const PolicyAllow& allow, std::string_view program) {
  return std::find(allow.commands.begin(), allow.commands.end(), program) != allow.commands.end();
}

bool allows_url(const PolicyAllow& allow, std::string_view url) {
  const auto parts = parse_url(url);
  if (!parts) return false;
  const std::uint16_t own_port = parts->scheme == "https" ? 443 : 80;
  return std::any_of(allow.hosts.begin(), allow.hosts.end(), [&](const std::string& pattern) {
    return host_matches(pattern, parts->host.host, parts->host.port, own_port);
  });
}

bool allows_tunnel(const PolicyAllow& allow, std::string_view name) {
  return std::any_of(allow.tunnels.begin(), allow.tunnels.end(),
                     [&](const std::string& allowed) { return allowed == "*" || allowed == name; });
}

}  // namespace fairlead::core
