#include "config/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.hpp"

namespace fairlead::config {

namespace {

constexpr std::size_t kMostHost = 253;  // RFC 1035 section 2.3.4, as text
constexpr std::string_view kEndpointForms = "write PORT, HOST:PORT or [IPV6]:PORT";

bool is_ipv6(std::string_view text) {
  const std::string address(text.substr(0, text.find('%')));  // a zone follows: fe80::1%eth0
  in6_addr binary{};
  return inet_pton(AF_INET6, address.c_str(), &binary) == 1;
}

bool is_name_or_ipv4(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
  };
  if (text.empty() || text.size() > kMostHost || text.starts_with('-') || text.starts_with('.')) return false;
  if (text.find("..") != std::string_view::npos) return false;
  if (!std::all_of(text.begin(), text.end(), allowed)) return false;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return true;
  in_addr binary{};  // all digits and dots: an address, and a whole one (10.1 would silently be 10.0.0.1)
  return inet_pton(AF_INET, std::string(text).c_str(), &binary) == 1;
}

std::optional<Refusal> parse_port(std::string_view text, std::uint16_t& into) {
  const auto port = base::parse_unsigned(text);
  if (!port) return Refusal{"has no port number", std::string(kEndpointForms)};
  if (text.starts_with('0') && text.size() > 1)
    return Refusal{"has a port that starts with 0", "write it plainly"};
  if (*port < 1 || *port > 65535) return Refusal{"has a port out of range", "use a port from 1 to 65535"};
  into = static_cast<std::uint16_t>(*port);
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> parse_endpoint(std::string_view text, std::string_view default_host,
                                      core::Endpoint& into) {
  std::string_view host = default_host;
  std::string_view port = text;
  if (text.starts_with('/'))
    return Refusal{"is a path: only TCP can be forwarded", std::string(kEndpointForms)};
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.empty() || host == "*")
      return Refusal{"has no host",
                     "write PORT alone for loopback, 0.0.0.0:PORT or [::]:PORT for every address"};
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    if (!bracketed && host.find(':') != std::string_view::npos)
      return Refusal{"is ambiguous", "put an IPv6 address in brackets: [::1]:8000"};
  }
  std::uint16_t number = 0;
  if (auto refusal = parse_port(port, number)) return refusal;
  std::string name;
  if (auto refusal = parse_host(host, name)) return refusal;
  into = {std::move(name), number};
  return std::nullopt;
}

std::optional<Refusal> parse_host(std::string_view text, std::string& into) {
  std::string_view host = text;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6(host)) return Refusal{"is not an IPv6 address in brackets", "write it as [2001:db8::1]"};
  }
  if (is_name_or_ipv4(host) || (host.find(':') != std::string_view::npos && is_ipv6(host))) {
    into = std::string(host);
    return std::nullopt;
  }
  if (host.find('@') != std::string_view::npos)
    return Refusal{"is not a host", "put the user into ssh_user, and the host alone here"};
  if (const auto colon = host.rfind(':');
      colon != std::string_view::npos && is_name_or_ipv4(host.substr(0, colon)))
    return Refusal{"is not a host", "put the port into a key of its own, and the host alone here"};
  return Refusal{"is not a host", "write a host name, an IPv4 or an IPv6 address"};
}

std::optional<Refusal> check_url(std::string_view url) {
  const std::string_view forms = "write http://HOST[:PORT]/PATH or https://…";
  const std::string scheme = base::lower(url.substr(0, url.find("://")));
  if (url.find("://") == std::string_view::npos || (scheme != "http" && scheme != "https"))
    return Refusal{"is not an HTTP URL", std::string(forms)};
  const bool printable_ascii =
      std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!printable_ascii)
    return Refusal{"holds a blank or a character that a URL cannot hold", "write it as %XX"};
  const auto start = scheme.size() + 3;
  std::string_view authority = url.substr(start, url.find_first_of("/?#", start) - start);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  std::string host;
  core::Endpoint endpoint;
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  const bool good = has_port ? !parse_endpoint(authority, "", endpoint) : !parse_host(authority, host);
  const bool bare_ipv6 =
      !has_port && authority.find(':') != std::string_view::npos && !authority.starts_with('[');
  if (!good || bare_ipv6) return Refusal{"has no usable host and port", std::string(forms)};
  return std::nullopt;
}

}  // namespace fairlead::config
