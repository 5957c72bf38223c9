#include "core/tunnel_state.hpp"

#include <array>

namespace fairlead::core {

namespace {

using S = TunnelState;
using E = TunnelEvent;

constexpr Transition kTransitions[] = {
    // from            event         to               audited as
    {S::stopped, E::start, S::starting, "bridge_started"},
    {S::failed, E::start, S::starting, "bridge_started"},
    {S::starting, E::ready, S::connected, "bridge_connected"},
    {S::connected, E::unhealthy, S::degraded, "health_check_failed"},
    {S::degraded, E::healthy, S::connected, "health_check_recovered"},
    {S::starting, E::lost, S::reconnecting, "bridge_connect_failed"},
    {S::connected, E::lost, S::reconnecting, "bridge_disconnected"},
    {S::degraded, E::lost, S::reconnecting, "bridge_disconnected"},
    {S::reconnecting, E::retry, S::starting, "bridge_reconnecting"},
    {S::reconnecting, E::give_up, S::failed, "bridge_failed"},
    {S::starting, E::stop, S::stopped, "bridge_stopped"},
    {S::connected, E::stop, S::stopped, "bridge_stopped"},
    {S::degraded, E::stop, S::stopped, "bridge_stopped"},
    {S::reconnecting, E::stop, S::stopped, "bridge_stopped"},
    {S::failed, E::stop, S::stopped, "bridge_stopped"},
};

constexpr ReasonText kReasons[] = {
    {Reason::none, "none", "", "", false},
    {Reason::by_operator, "by_operator", "asked for", "", false},
    {Reason::name_not_resolved, "name_not_resolved", "name not resolved",
     "check `host` and this machine's DNS", false},
    {Reason::connect_refused, "connect_refused", "connection refused",
     "nothing listens there: check `host` and `port`, and that sshd runs", false},
    {Reason::connect_timeout, "connect_timeout", "connect timeout",
     "no answer: check the route and firewalls, or raise `connect_timeout`", false},
    {Reason::connect_failed, "connect_failed", "connect failed", "check the network of this machine", false},
    {Reason::handshake_failed, "handshake_failed", "handshake failed",
     "the peer ended the SSH handshake: check that `port` is sshd's, and sshd's log (MaxStartups, "
     "PerSourcePenalties)",
     false},
    {Reason::no_common_algorithm, "no_common_algorithm", "no common algorithm",
     "the server offers none of curve25519, ed25519/ecdsa host keys, AES-GCM/CTR with SHA-2: update it",
     true},
    {Reason::host_key_unknown, "host_key_unknown", "host key unknown",
     "compare the fingerprint, then add the key to known_hosts, or set `host_key: accept-new`", true},
    {Reason::host_key_changed, "host_key_changed", "host key changed",
     "someone may be in the middle; if the server was reinstalled, remove its old line from known_hosts",
     true},
    {Reason::host_key_revoked, "host_key_revoked", "host key revoked",
     "known_hosts marks this key @revoked: do not use this server until it has a new key", true},
    {Reason::known_hosts_unreadable, "known_hosts_unreadable", "known_hosts unreadable",
     "check the path in `known_hosts` and its permissions", true},
    {Reason::key_unreadable, "key_unreadable", "key unreadable",
     "check the path in `ssh_key` and that this user may read it", true},
    {Reason::key_unsupported, "key_unsupported", "key unsupported",
     "make an ed25519 key: ssh-keygen -t ed25519 (RSA keys need libssh2 1.11)", true},
    {Reason::passphrase_wrong, "passphrase_wrong", "passphrase wrong or missing",
     "put the key's passphrase into the file named by `ssh_key_passphrase_file`", true},
    {Reason::auth_refused, "auth_refused", "auth refused",
     "add the public key to the server's authorized_keys for `ssh_user`, and check the user name", true},
    {Reason::listener_refused, "listener_refused", "listener refused",
     "the server would not listen: the port is held by a stale session or another service (set "
     "ClientAliveInterval "
     "there), or AllowTcpForwarding/permitlisten forbids it",
     false},
    {Reason::local_port_taken, "local_port_taken", "local port taken",
     "another process listens on the forward's local port: free it or choose another", false},
    {Reason::keepalive_lost, "keepalive_lost", "keepalive lost",
     "the link went dead: nothing was acknowledged within `keepalive.user_timeout`", false},
    {Reason::connection_closed, "connection_closed", "connection closed", "the server ended the connection",
     false},
    {Reason::connection_reset, "connection_reset", "connection reset",
     "the connection was reset: sshd was restarted or killed, or a firewall cut it", false},
    {Reason::probe_failed, "probe_failed", "probe failed",
     "data does not come back through the forward: is another process answering on the remote port?", false},
    {Reason::server_frozen, "server_frozen", "server does not answer",
     "the link is up but the server answers nothing: it may be stopped or overloaded", false},
    {Reason::transport_corrupt, "transport_corrupt", "transport corrupt",
     "a packet failed its integrity check: a broken network device, or someone tampering", false},
    {Reason::health_failed, "health_failed", "health check failed",
     "the line is up; what it leads to does not answer as it should", false},
    {Reason::attempts_exhausted, "attempts_exhausted", "attempts exhausted",
     "`reconnect.max_attempts` was reached: mend the cause, then `fairlead up`", false},
    {Reason::stopped_by_hook, "stopped_by_hook", "stopped by a hook",
     "the hook that is named decided so: see `fairlead policy explain reconnect`, then `fairlead up`", false},
    {Reason::config_changed, "config_changed", "configuration changed", "", false},
    {Reason::internal, "internal", "internal error", "please report this with the log", false},
};

}  // namespace

std::string_view to_string(TunnelState state) {
  switch (state) {
    case S::stopped:
      return "stopped";
    case S::starting:
      return "starting";
    case S::connected:
      return "connected";
    case S::degraded:
      return "degraded";
    case S::reconnecting:
      return "reconnecting";
    case S::failed:
      return "failed";
  }
  return "stopped";
}

std::string_view to_string(TunnelEvent event) {
  constexpr std::array<std::string_view, 8> kNames = {"start",   "stop", "ready", "unhealthy",
                                                      "healthy", "lost", "retry", "give_up"};
  return kNames[static_cast<std::size_t>(event)];
}

std::span<const Transition> tunnel_transitions() {
  return kTransitions;
}

const Transition* find_transition(TunnelState from, TunnelEvent event) {
  for (const auto& transition : kTransitions)
    if (transition.from == from && transition.event == event) return &transition;
  return nullptr;
}

const ReasonText& describe(Reason reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}
std::span<const ReasonText> all_reasons() {
  return kReasons;
}

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::none:
      return "none";
    case Proof::probe:
      return "probe";
    case Proof::traffic:
      return "traffic";
  }
  return "none";
}

}  // namespace fairlead::core
