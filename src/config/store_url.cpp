#include "config/store_url.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/problems.hpp"

namespace fairlead::config {

namespace {

constexpr std::uint16_t kPostgresPort = 5432;
constexpr std::string_view kForm = "write sqlite, or postgresql://USER@HOST/DATABASE";
constexpr std::string_view kPasswordCure = "put it into a file and name that as store_password_file";

std::optional<Refusal> parse_store_host(std::string_view text, StoreUrl& url) {
  // The folder of a UNIX socket is written with %2F for its slashes.
  if (text.empty() || text.starts_with('%') || text.starts_with(':')) {
    url.sockets = true;
    return std::nullopt;
  }
  core::Endpoint host;
  const auto colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && !text.ends_with(']');
  auto refusal = has_port ? parse_endpoint(text, "", host) : parse_host(text, host.host);
  if (refusal)
    return Refusal{"has the host " + in_quotes(text) + ", which " + refusal->message, refusal->fix};
  if (!has_port) host.port = kPostgresPort;
  url.hosts.push_back(std::move(host));
  return std::nullopt;
}

std::optional<Refusal> parse_store_parameter(std::string_view text, StoreUrl& url) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  if (equals == std::string_view::npos || name.empty())
    return Refusal{"has " + in_quotes(text) + " among its parameters",
                   "write NAME=VALUE, with & between them"};
  if (name == "password" || name == "sslpassword")
    return Refusal{"holds a password: its parameter " + std::string(name),
                   name == "password" ? std::string(kPasswordCure)
                                      : "use a key without one, readable by fairlead alone"};
  url.named_apart = url.named_apart || name == "host" || name == "hostaddr" || name == "port";
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> parse_store_url(std::string_view url, StoreUrl& into) {
  const auto scheme = url.find("://");
  const std::string name = base::lower(url.substr(0, std::min(scheme, url.size())));
  if (scheme == std::string_view::npos || (name != "postgresql" && name != "postgres"))
    return Refusal{"is neither sqlite nor the URL of a PostgreSQL database", std::string(kForm)};
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
    return Refusal{"holds a blank or a character that a URL cannot hold", "write it as %XX"};
  const std::string_view rest = url.substr(scheme + 3);
  std::string_view hosts = rest.substr(0, std::min(rest.find_first_of("/?"), rest.size()));
  if (const auto at = hosts.rfind('@'); at != std::string_view::npos) {
    if (hosts.substr(0, at).find(':') != std::string_view::npos)
      return Refusal{"holds a password", std::string(kPasswordCure)};
    hosts.remove_prefix(at + 1);
  }
  for (const auto host : base::split(hosts, ',')) {
    auto refusal = parse_store_host(host, into);
    if (!refusal) continue;
    // A password with / or ? in it ends here as a host, and is not for showing.
    if (rest.substr(hosts.size()).find('@') != std::string_view::npos)
      return Refusal{"seems to hold a password", std::string(kPasswordCure)};
    return refusal;
  }
  const auto question = rest.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  for (const auto parameter : base::split(rest.substr(question + 1), '&'))
    if (auto refusal = parse_store_parameter(parameter, into)) return refusal;
  return std::nullopt;
}

}  // namespace fairlead::config
