#include <algorithm>

#include "base/text.hpp"
#include "config/read_parts.hpp"
#include "config/store_url.hpp"

namespace fairlead::config {

namespace {

// Both names for the near end, as seen from the tunnel's server.
std::string same_name(std::string_view host) {
  const std::string small = base::lower(host);
  return small == "localhost" ? "127.0.0.1" : small;
}

// Where a listener of this machine is reached from this machine.
std::string dial_address(const std::string& listens_on) {
  if (listens_on == "localhost" || listens_on == "0.0.0.0") return "127.0.0.1";
  return listens_on == "::" ? "::1" : listens_on;
}

const core::Forward* forward_to(const core::Tunnel& tunnel, const core::Endpoint& target) {
  const auto leads_there = [&](const core::Forward& forward) {
    return forward.kind == core::ForwardKind::local && forward.target.port == target.port &&
           same_name(forward.target.host) == same_name(target.host);
  };
  const auto found = std::find_if(tunnel.forwards.begin(), tunnel.forwards.end(), leads_there);
  return found == tunnel.forwards.end() ? nullptr : &*found;
}

void report_unknown_tunnel(const Entry& via, const core::StoreSettings& store, const Reading& reading) {
  std::vector<std::string_view> names;
  for (const auto& [name, tunnel] : reading.config.tunnels) names.push_back(name);
  const auto near = base::nearest(store.via, names);
  reading.problems.add(via.value->at, "unknown tunnel " + in_quotes(store.via),
                       near.empty() ? "add it below tunnels, with a local forward to the store's host"
                                    : "did you mean " + in_quotes(near) + "?");
}

void read_detours(const Entry& via, const StoreUrl& url, const Reading& reading, core::StoreSettings& store) {
  const auto found = reading.config.tunnels.find(store.via);
  if (found == reading.config.tunnels.end()) return report_unknown_tunnel(via, store, reading);
  if (url.sockets || url.named_apart) {
    reading.problems.add(
        via.value->at, "a tunnel leads only to the hosts that stand before the path of \"store\"",
        "write postgresql://USER@HOST[:PORT]/DATABASE, without a UNIX socket and without the "
        "parameters host, hostaddr and port");
    return;
  }
  const core::Tunnel& tunnel = found->second;
  if (tunnel.forwards.empty()) return;  // its own problem, told already
  for (const core::Endpoint& host : url.hosts) {
    const core::Forward* forward = forward_to(tunnel, host);
    if (forward != nullptr) {
      store.detours.push_back(
          {host.host, host.port, dial_address(forward->listen.host), forward->listen.port});
      continue;
    }
    reading.problems.add(via.value->at,
                         "tunnel " + in_quotes(store.via) + " has no local forward to " + to_string(host) +
                             ", a host of \"store\"",
                         "add to its forwards: {local: 15432, to: \"" + to_string(host) + "\"}");
  }
}

}  // namespace

core::StoreSettings read_store(SectionReader& reader, const Reading& reading) {
  core::StoreSettings store;
  StoreUrl url;
  bool good = true;
  if (reader.text("store", store.url) && store.url != "sqlite") {
    if (const auto refusal = parse_store_url(store.url, url)) {
      reading.problems.add(reader.find("store")->value->at, "\"store\" " + refusal->message, refusal->fix);
      good = false;
    }
  } else {
    good = !reader.has("store") || store.url == "sqlite";
    store.url.clear();
  }
  read_path(reader, "store_password_file", reading.paths, reading.problems, store.password_file);
  reader.text("store_via", store.via);
  for (const std::string_view key : {"store_password_file", "store_via"})
    if (const Entry* entry = reader.find(key); entry && good && store.url.empty())
      reading.problems.add(entry->at, in_quotes(key) + " is for PostgreSQL, and the store is sqlite",
                           "remove it, or write store: postgresql://USER@HOST/DATABASE");
  if (good && !store.url.empty() && !store.via.empty())
    read_detours(*reader.find("store_via"), url, reading, store);
  return store;
}

}  // namespace fairlead::config
