// Internal to config/: the reader's parts, one function a section. Each reports what it finds and goes on, so
// that one run shows everything.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/conflicts.hpp"
#include "config/node.hpp"
#include "config/paths.hpp"
#include "config/problems.hpp"
#include "config/section_reader.hpp"
#include "core/config.hpp"

namespace fairlead::config {

// What every part needs; lives as long as the load.
struct Reading {
  Problems& problems;
  const PathRules& paths;
  const Surroundings& here;
  const core::Config& config;  // what was read before: actors before tunnels
  ListenClaims& claims;
};

// read_file.cpp
void read_file_section(const Node& root, const Surroundings& here, const PathRules& paths, Problems& problems,
                       core::Config& config);
// A path key, resolved; false and reported when it cannot be.
bool read_path(SectionReader& reader, std::string_view key, const PathRules& paths, Problems& problems,
               std::string& into);
// Names of tunnels and actors stand in URLs, audit lines and on command lines: letters, digits and what is in
// `also`.
bool is_name(std::string_view text, std::string_view also);

// The texts of a list, at least one, at most 64; nothing when the key is not there. (read_sender.cpp)
std::vector<std::string> read_texts(SectionReader& reader, std::string_view key, Problems& problems);

// read_policy.cpp
core::PolicySettings read_policy(const Node& node, const PathRules& paths, Problems& problems);

// read_access.cpp
void read_api(const Node& node, Problems& problems, std::vector<core::RoleRule>& roles);

// read_tunnel.cpp
core::Tunnel read_tunnel(const Entry& entry, const Reading& reading);

// read_forwards.cpp: `at` is the place of the tunnel's name.
void read_forwards(SectionReader& reader, Position at, const Reading& reading, core::Tunnel& tunnel);

// read_timing.cpp
core::HealthCheck read_health_check(const Node& node, Problems& problems);
core::Reconnect read_reconnect(const Node& node, Problems& problems);
core::Keepalive read_keepalive(const Node& node, Problems& problems);

// read_notify.cpp
core::NotifySettings read_notify(const Node& node, const PathRules& paths, Problems& problems);

// read_store.cpp: keys of the file's own section; tunnels are read before.
core::StoreSettings read_store(SectionReader& reader, const Reading& reading);

// read_executors.cpp
core::ExecutorSettings read_executors(const Node& node, const Reading& reading);
std::vector<std::string> kinds_of(const core::ExecutorSettings& executors);  // sorted

// read_worker.cpp: executors are read before the worker.
core::QueueSettings read_queue(const Node& node, Problems& problems);
core::WorkerSettings read_worker(const Node& node, const Reading& reading);

// read_sender.cpp
core::Sender read_sender(const Entry& entry, const PathRules& paths, Problems& problems);

}  // namespace fairlead::config
