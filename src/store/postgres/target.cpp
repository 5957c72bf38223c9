#include "store/postgres/target.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"

namespace fairlead::store::postgres {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

// What libpq would take from its environment (PGHOST, PGPORT) and its service file.
std::map<std::string, std::string> defaults_of_libpq() {
  std::map<std::string, std::string> found;
  const Options defaults(PQconndefaults(), &PQconninfoFree);
  for (const auto* option = defaults.get(); option != nullptr && option->keyword != nullptr; ++option)
    if (option->val != nullptr) found[option->keyword] = option->val;
  return found;
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  for (const auto item : base::split(text, ',')) items.emplace_back(base::trim(item));
  return items;
}

std::string take(std::map<std::string, std::string>& options, const char* name) {
  auto node = options.extract(name);
  return node.empty() ? std::string{} : std::move(node.mapped());
}

// One port may stand for all hosts (libpq, "Specifying Multiple Hosts").
base::Result<std::vector<TargetHost>> hosts_of(const std::vector<std::string>& names,
                                               const std::vector<std::string>& addresses,
                                               const std::vector<std::string>& ports) {
  const auto count = std::max({names.size(), addresses.size(), std::size_t{1}});
  if (!addresses.empty() && !names.empty() && addresses.size() != names.size())
    return base::Error{base::Code::bad_config, "as many entries are needed in hostaddr as in host", {}};
  if (ports.size() > 1 && ports.size() != count)
    return base::Error{base::Code::bad_config, "as many ports are needed as hosts, or one for all", {}};
  std::vector<TargetHost> hosts(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (i < names.size()) hosts[i].name = names[i];
    if (i < addresses.size()) hosts[i].address = addresses[i];
    if (!ports.empty()) hosts[i].port = ports[ports.size() == 1 ? 0 : i];
  }
  return hosts;
}

void add_defaults(std::map<std::string, std::string>& options) {
  // try_emplace: what the operator wrote wins. The names are those of libpq's "Parameter Key Words".
  options.try_emplace("application_name", "fairlead");
  options.try_emplace("client_encoding", "UTF8");
  options.try_emplace("keepalives", "1");
  options.try_emplace("keepalives_idle", "10");
  options.try_emplace("keepalives_interval", "5");
  options.try_emplace("keepalives_count", "3");
  options.try_emplace("tcp_user_timeout", "15000");
  // Kerberos asks its name servers inside the call, on our loop.
  options.try_emplace("gssencmode", "disable");
}

}  // namespace

std::string TargetHost::lookup() const {
  if (!dial_name.empty()) return dial_name;
  return address.empty() && !name.empty() && name[0] != '/' && name[0] != '@' ? name : std::string();
}

std::string TargetHost::text() const {
  auto text = name.empty() ? (address.empty() ? std::string("the local socket") : address) : name;
  if (!port.empty()) text += ":" + port;
  return text;
}

std::string Target::place() const {
  std::string text;
  for (const auto& host : hosts) text += (text.empty() ? "" : ",") + host.text();
  const auto database = options.find("dbname");
  return database == options.end() ? text : text + "/" + database->second;
}

void apply_detours(Target& target, const std::vector<core::StoreDetour>& detours) {
  for (std::size_t i = 0; i < target.hosts.size() && i < detours.size(); ++i) {
    target.hosts[i].dial_name = detours[i].dial_host;
    target.hosts[i].dial_port = std::to_string(detours[i].dial_port);
  }
}

base::Result<Target> parse_target(const std::string& url) {
  char* why = nullptr;
  const Options parsed(PQconninfoParse(url.c_str(), &why), &PQconninfoFree);
  if (!parsed) {
    // libpq quotes the string in its message, and with it a password.
    PQfreemem(why);
    return base::Error{base::Code::bad_config,
                       "is no connection string of PostgreSQL: write postgresql://USER@HOST:PORT/DATABASE, "
                       "with special characters as %XX",
                       {}};
  }
  Target target;
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr && *option->val != '\0') target.options[option->keyword] = option->val;
  if (target.options.contains("service"))
    return base::Error{base::Code::bad_config, "names a service: write its host and database instead", {}};

  if (!target.options.contains("host") && !target.options.contains("hostaddr"))
    for (const char* name : {"host", "hostaddr"})
      if (const auto defaults = defaults_of_libpq(); defaults.contains(name))
        target.options[name] = defaults.at(name);
  auto hosts = hosts_of(list_of(take(target.options, "host")), list_of(take(target.options, "hostaddr")),
                        list_of(take(target.options, "port")));
  if (!hosts) return hosts.error();
  target.hosts = std::move(*hosts);
  add_defaults(target.options);
  return target;
}

}  // namespace fairlead::store::postgres
