#include <vector>

#include "base/text.hpp"
#include "config/endpoint.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

void read_server(SectionReader& reader, const Entry& entry, const Reading& reading, core::Tunnel& tunnel) {
  Problems& problems = reading.problems;
  std::string host;
  if (reader.text("host", host)) {
    if (const auto refusal = parse_host(host, tunnel.host))
      problems.add(reader.find("host")->value->at, in_quotes(host) + ' ' + refusal->message, refusal->fix);
  } else if (!reader.has("host")) {
    problems.add(entry.at, "tunnel " + in_quotes(entry.key) + " has no host", "add host: NAME or ADDRESS");
  }
  reader.integer("port", tunnel.port);
  if (!reader.has("ssh_user")) {
    tunnel.ssh_user = reading.here.user;
    if (tunnel.ssh_user.empty())
      problems.add(entry.at,
                   "tunnel " + in_quotes(entry.key) + " has no ssh_user, and the invoking user has no name",
                   "add ssh_user: NAME");
  } else if (reader.text("ssh_user", tunnel.ssh_user) &&
             tunnel.ssh_user.find_first_of(" \t") != std::string::npos) {
    problems.add(reader.find("ssh_user")->value->at, in_quotes(tunnel.ssh_user) + " is not a user name",
                 "write it without blanks");
  }
}

void read_credentials(SectionReader& reader, const Entry& entry, const Reading& reading,
                      core::Tunnel& tunnel) {
  tunnel.ssh_key = reading.paths.ssh_key();
  tunnel.known_hosts = reading.paths.known_hosts();
  read_path(reader, "ssh_key", reading.paths, reading.problems, tunnel.ssh_key);
  if (!reader.has("ssh_key") && tunnel.ssh_key.empty())
    reading.problems.add(entry.at, "tunnel " + in_quotes(entry.key) + " has no ssh_key",
                         "add ssh_key: PATH (there is no default in system mode)");
  read_path(reader, "ssh_key_passphrase_file", reading.paths, reading.problems,
            tunnel.ssh_key_passphrase_file);
  read_path(reader, "known_hosts", reading.paths, reading.problems, tunnel.known_hosts);
  if (const auto policy = reader.choice("host_key"))
    tunnel.host_key = *policy == "accept-new" ? core::HostKeyPolicy::accept_new : core::HostKeyPolicy::strict;
}

void read_actor(SectionReader& reader, const Reading& reading, core::Tunnel& tunnel) {
  const auto& actors = reading.config.actors;
  tunnel.actor.name = kTunnelSection.find("actor")->fallback;
  const bool given = reader.text("actor", tunnel.actor.name);
  if (!given && reader.has("actor")) return;
  const auto found = actors.find(tunnel.actor.name);
  if (found != actors.end()) {
    tunnel.actor = found->second;
    return;
  }
  if (!given) return;
  std::vector<std::string_view> names;
  for (const auto& [name, actor] : actors) names.push_back(name);
  const auto near = base::nearest(tunnel.actor.name, names);
  const std::string add =
      "add it below actors: " + base::printable(tunnel.actor.name, 80) + ": {class: automation}";
  reading.problems.add(reader.find("actor")->value->at, "unknown actor " + in_quotes(tunnel.actor.name),
                       near.empty() ? add : "did you mean " + in_quotes(near) + "?");
}

}  // namespace

core::Tunnel read_tunnel(const Entry& entry, const Reading& reading) {
  core::Tunnel tunnel;
  tunnel.name = entry.key;
  const Node& node = *entry.value;
  if (node.kind == NodeKind::broken) return tunnel;
  if (!is_name(entry.key, "._-"))
    reading.problems.add(entry.at, in_quotes(entry.key) + " cannot name a tunnel",
                         "use letters, digits and . _ -, up to 64, starting with a letter or digit");
  SectionReader reader(kTunnelSection, node, reading.problems);
  if (node.kind != NodeKind::map && node.kind != NodeKind::null) return tunnel;
  read_server(reader, entry, reading, tunnel);
  read_credentials(reader, entry, reading, tunnel);
  read_actor(reader, reading, tunnel);
  read_forwards(reader, entry.at, reading, tunnel);
  if (const Node* check = reader.below("health_check"))
    tunnel.health_checks.push_back(read_health_check(*check, reading.problems));
  if (const Node* reconnect = reader.below("reconnect"))
    tunnel.reconnect = read_reconnect(*reconnect, reading.problems);
  if (const Node* keepalive = reader.below("keepalive"))
    tunnel.keepalive = read_keepalive(*keepalive, reading.problems);
  reader.duration("connect_timeout", tunnel.connect_timeout);
  reader.boolean("autostart", tunnel.autostart);
  reader.finish();
  return tunnel;
}

}  // namespace fairlead::config
