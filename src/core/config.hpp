// The configuration after parsing: immutable values, every rule already checked (config/ does that), so that
// nobody has to check again. Pure data.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "core/notify_settings.hpp"
#include "core/policy_settings.hpp"
#include "core/queue_settings.hpp"

namespace fairlead::core {

using base::Millis;

enum class ActorClass : std::uint8_t { human, automation };
std::string_view to_string(ActorClass value);

struct Actor {
  std::string name;
  ActorClass actor_class = ActorClass::automation;
  std::string description;
  bool operator==(const Actor&) const = default;
};

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;  // 1..65535
  bool operator==(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);  // "host:port", an IPv6 host in brackets

enum class ForwardKind : std::uint8_t {
  remote,  // the server listens, connections lead to `target` seen from here (ssh -R)
  local,   // we listen, connections lead to `target` seen from the server (ssh -L)
};
std::string_view to_string(ForwardKind kind);

struct Forward {
  ForwardKind kind = ForwardKind::remote;
  Endpoint listen;  // host "localhost" unless the file says otherwise
  Endpoint target;
  bool operator==(const Forward&) const = default;
};
std::string to_string(const Forward& forward);  // "remote localhost:18000 -> 127.0.0.1:8000"

enum class Side : std::uint8_t { remote, local };
std::string_view to_string(Side side);

struct HealthCheck {
  std::string url;           // http:// or https://
  Side from = Side::remote;  // remote: asked over the SSH connection, names resolve there
  Millis interval{30'000};   // 1 s .. 1 day
  Millis timeout{5'000};     // 100 ms .. interval
  int fall = 2;              // failures in a row that make the tunnel degraded
  int rise = 1;              // successes in a row that make it connected again
  bool operator==(const HealthCheck&) const = default;
};

struct Reconnect {
  int max_attempts = 0;  // 0: for ever
  Millis backoff_initial{1'000};
  Millis backoff_max{60'000};
  bool operator==(const Reconnect&) const = default;
};

struct Keepalive {
  Millis interval{4'000};       // 2 s (libssh2's least) .. 1 h
  Millis user_timeout{12'000};  // TCP_USER_TIMEOUT
  bool operator==(const Keepalive&) const = default;
};

enum class HostKeyPolicy : std::uint8_t {
  strict,      // only keys in known_hosts
  accept_new,  // an unknown host's first key is recorded; a changed key is still refused
};
std::string_view to_string(HostKeyPolicy policy);

struct Tunnel {
  std::string name;
  std::string host;
  std::uint16_t port = 22;
  std::string ssh_user;
  std::string ssh_key;                  // absolute path
  std::string ssh_key_passphrase_file;  // absolute path, or empty
  std::string known_hosts;              // absolute path
  HostKeyPolicy host_key = HostKeyPolicy::strict;
  Actor actor;
  std::vector<Forward> forwards;           // at least one
  std::vector<HealthCheck> health_checks;  // none or one (more in a later version)
  Reconnect reconnect;
  Keepalive keepalive;
  Millis connect_timeout{10'000};
  bool autostart = true;
  bool operator==(const Tunnel&) const = default;
};

enum class Role : std::uint8_t { none, viewer, operator_ };
std::string_view to_string(Role role);  // "none", "viewer", "operator"

struct RoleRule {
  bool is_group = false;  // else a user
  std::uint32_t id = 0;   // uid or gid
  Role role = Role::viewer;
  ActorClass caller_class = ActorClass::human;  // how the audit calls those whom the rule names
  bool operator==(const RoleRule&) const = default;
};

struct Config {
  std::uint64_t generation = 0;  // set by the daemon, grows with every applied reload
  std::string file;              // absolute path it was read from
  bool system_mode = false;      // what `~` and relative paths mean; see config/paths.hpp
  std::string path_base;         // the folder that relative paths were resolved against
  std::string state_dir;         // absolute
  std::string runtime_dir;       // absolute, holds control.sock
  base::Level log_level = base::Level::info;
  base::LogFormat log_format = base::LogFormat::key_value;
  std::vector<RoleRule> roles;
  std::map<std::string, Actor> actors;
  std::map<std::string, Tunnel> tunnels;
  NotifySettings notify;
  PolicySettings policy;
  StoreSettings store;
  QueueSettings queue;
  WorkerSettings worker;
  ExecutorSettings executors;
};
using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace fairlead::core
