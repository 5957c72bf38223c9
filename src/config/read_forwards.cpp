#include "config/endpoint.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kListenHost = "localhost";
constexpr std::string_view kTargetHost = "127.0.0.1";

// [host:]port; a plain number is one too, so that text rules on numbers do not apply.
bool read_endpoint(const Entry& entry, std::string_view default_host, Problems& problems,
                   core::Endpoint& into) {
  const Node& node = *entry.value;
  if (node.kind == NodeKind::broken) return false;
  if (node.kind != NodeKind::text) {
    problems.add(node.at, in_quotes(entry.key) + " must be [host:]port, not " + std::string(kind_name(node)),
                 "write " + entry.key + ": 8000 or " + entry.key + ": \"HOST:8000\"");
    return false;
  }
  const auto refusal = parse_endpoint(node.text, default_host, into);
  if (refusal) problems.add(node.at, in_quotes(node.text) + ' ' + refusal->message, refusal->fix);
  return !refusal;
}

void read_forward(const Node& node, Position tunnel_at, const Reading& reading, core::Tunnel& tunnel) {
  if (node.kind == NodeKind::broken) return;
  SectionReader reader(kForwardSection, node, reading.problems);
  const Entry* remote = reader.find("remote");
  const Entry* local = reader.find("local");
  const Entry* to = reader.find("to");
  reader.finish();
  if (node.kind != NodeKind::map) {
    if (node.kind == NodeKind::null) reading.problems.add(node.at, "this forward is empty", "remove it");
    return;
  }
  if (remote && local)
    reading.problems.add(local->at, "a forward listens on one side: \"remote\" and \"local\" are both given",
                         "make two forwards of it");
  if (!remote && !local)
    reading.problems.add(node.at, "this forward does not say where to listen",
                         "add remote: PORT (the server listens) or local: PORT (this machine listens)");
  if (!to) reading.problems.add(node.at, "this forward does not say where it leads", "add to: [HOST:]PORT");
  core::Forward forward;
  forward.kind = local ? core::ForwardKind::local : core::ForwardKind::remote;
  const Entry* listen = local ? local : remote;
  const bool listens = listen && read_endpoint(*listen, kListenHost, reading.problems, forward.listen);
  const bool leads = to && read_endpoint(*to, kTargetHost, reading.problems, forward.target);
  if (listens) reading.claims.claim(tunnel, forward, listen->value->at, tunnel_at);
  if (listens && leads) tunnel.forwards.push_back(std::move(forward));
}

// The older bridge form: remote_port and local_port of the tunnel itself.
void read_older_form(SectionReader& reader, Position at, const Reading& reading, core::Tunnel& tunnel) {
  core::Forward forward;
  forward.listen.host = kListenHost;
  forward.target.host = kTargetHost;
  const bool listens = reader.integer("remote_port", forward.listen.port);
  const bool leads = reader.integer("local_port", forward.target.port);
  const Entry* listen = reader.find("remote_port");
  for (const char* needed : {"remote_port", "local_port"})
    if (!reader.has(needed))
      reading.problems.add(at, "tunnel " + in_quotes(tunnel.name) + " has no " + needed,
                           "add " + std::string(needed) + ": PORT (remote_port and local_port go together)");
  if (listens) reading.claims.claim(tunnel, forward, listen->value->at, at);
  if (listens && leads) tunnel.forwards.push_back(std::move(forward));
}

}  // namespace

void read_forwards(SectionReader& reader, Position at, const Reading& reading, core::Tunnel& tunnel) {
  const Entry* list = reader.find("forwards");
  const Entry* remote_port = reader.find("remote_port");
  const Entry* local_port = reader.find("local_port");
  const Entry* older = remote_port ? remote_port : local_port;
  if (!list && !older) {
    reading.problems.add(at, "tunnel " + in_quotes(tunnel.name) + " has no forwards",
                         "add forwards: [{remote: PORT, to: PORT}]");
    return;
  }
  // What the tunnel itself says overrides a form that it merged from another.
  const bool older_written = (remote_port && !remote_port->merged) || (local_port && !local_port->merged);
  if (list && older && list->merged == !older_written) {
    reading.problems.add(list->at, "\"forwards\" and remote_port/local_port are both given",
                         "move the older form into forwards: {remote: PORT, to: PORT}");
    core::Forward unused;  // its ports are still checked
    reader.integer("remote_port", unused.listen.port);
    reader.integer("local_port", unused.target.port);
  }
  if (!list || (list->merged && older_written)) {
    read_older_form(reader, at, reading, tunnel);
    return;
  }
  const Node* forwards = reader.below("forwards");
  if (!forwards) return;
  if (forwards->items.empty())
    reading.problems.add(forwards->at, "tunnel " + in_quotes(tunnel.name) + " has no forwards",
                         "add one: - {remote: PORT, to: PORT}");
  for (const NodePtr& item : forwards->items) read_forward(*item, at, reading, tunnel);
}

}  // namespace fairlead::config
