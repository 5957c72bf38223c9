// A libpq connection string taken apart, so that each of its hosts is tried by itself: libpq would ask the
// resolver on our loop, and without its own wait loop it has no deadline for a host that does not answer.
// Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/queue_settings.hpp"

namespace fairlead::store::postgres {

struct TargetHost {
  std::string name;     // as it was written; a folder for a UNIX socket; empty: libpq's default socket
  std::string address;  // numeric; empty: `name` is looked up first
  std::string port;     // empty: libpq's default
  std::string dial_name, dial_port;  // where a tunnel leads to it: looked up and connected to in their place
  std::string lookup() const;        // the name to look up; empty: none
  std::string text() const;          // for people: "db.example:5432", "/run/postgresql"
};

struct Target {
  std::vector<TargetHost> hosts;               // in the order to be tried, at least one
  std::map<std::string, std::string> options;  // everything else, with our defaults; the password too
  std::string place() const;                   // "db1,db2/fairlead": for people, without a secret
};

// Code::bad_config: it cannot be parsed, or asks for what would block (a `service`).
base::Result<Target> parse_target(const std::string& url);

// One detour for each host, in order (config/ has seen to that).
void apply_detours(Target& target, const std::vector<core::StoreDetour>& detours);

}  // namespace fairlead::store::postgres
