#include "core/overlap.hpp"

namespace fairlead::core {

namespace {

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}
bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos;
}
bool is_loopback_name(std::string_view host, std::string_view address) {
  return host == "localhost" && (address == "127.0.0.1" || address == "::1");
}

}  // namespace

// "::" takes IPv4 too on most systems, so that it overlaps with everything; 0.0.0.0 only with what is not
// IPv6.
bool listens_overlap(std::string_view a, std::string_view b) {
  if (a == b || is_loopback_name(a, b) || is_loopback_name(b, a)) return true;
  if (a == "::" || b == "::") return true;
  return (is_wildcard(a) && !is_ipv6(b)) || (is_wildcard(b) && !is_ipv6(a));
}

}  // namespace fairlead::core
