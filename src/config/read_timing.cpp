#include <algorithm>

#include "config/endpoint.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

core::HealthCheck read_health_check(const Node& node, Problems& problems) {
  SectionReader reader(kHealthCheckSection, node, problems);
  core::HealthCheck check;
  if (reader.text("url", check.url)) {
    if (const auto refusal = check_url(check.url))
      problems.add(reader.find("url")->value->at, "\"url\" " + refusal->message, refusal->fix);
  } else if (!reader.has("url") && node.kind == NodeKind::map) {
    problems.add(node.at, "this health_check has no url", "add url: http://HOST:PORT/PATH");
  }
  if (const auto from = reader.choice("from"))
    check.from = *from == "local" ? core::Side::local : core::Side::remote;
  reader.duration("interval", check.interval);
  if (!reader.duration("timeout", check.timeout)) check.timeout = std::min(check.timeout, check.interval);
  if (check.timeout > check.interval)
    problems.add(reader.find("timeout")->value->at,
                 "\"timeout\" is longer than the interval of this health_check",
                 "make it shorter, or the interval longer");
  reader.integer("fall", check.fall);
  reader.integer("rise", check.rise);
  reader.finish();
  return check;
}

core::Reconnect read_reconnect(const Node& node, Problems& problems) {
  SectionReader reader(kReconnectSection, node, problems);
  core::Reconnect reconnect;
  reader.integer("max_attempts", reconnect.max_attempts);
  const bool initial = reader.duration("backoff_initial", reconnect.backoff_initial);
  const bool max = reader.duration("backoff_max", reconnect.backoff_max);
  if (!initial) reconnect.backoff_initial = std::min(reconnect.backoff_initial, reconnect.backoff_max);
  if (!max) reconnect.backoff_max = std::max(reconnect.backoff_initial, reconnect.backoff_max);
  if (reconnect.backoff_initial > reconnect.backoff_max)
    problems.add(reader.find("backoff_initial")->value->at, "\"backoff_initial\" is longer than backoff_max",
                 "make it shorter, or backoff_max longer");
  reader.finish();
  return reconnect;
}

core::Keepalive read_keepalive(const Node& node, Problems& problems) {
  SectionReader reader(kKeepaliveSection, node, problems);
  core::Keepalive keepalive;
  reader.duration("interval", keepalive.interval);
  reader.duration("user_timeout", keepalive.user_timeout);
  reader.finish();
  return keepalive;
}

}  // namespace fairlead::config
