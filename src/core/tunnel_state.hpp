// The life of a tunnel: its states, the events that move it, and the reasons that are shown. Pure.
// The table in tunnel_state.cpp is the only list of legal transitions; docs/states/tunnel.md is generated
// from it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fairlead::core {

enum class TunnelState : std::uint8_t { stopped, starting, connected, degraded, reconnecting, failed };
std::string_view to_string(TunnelState state);

enum class TunnelEvent : std::uint8_t {
  start,      // an operator, or the daemon's start, wants it up
  stop,       // an operator, or the daemon's end, wants it down
  ready,      // every listener granted, first proof made or known to be forbidden
  unhealthy,  // its health check fell
  healthy,    // the same, risen again
  lost,       // the attempt or the connection ended: try again
  retry,      // the backoff is over
  give_up,    // max_attempts reached
};
std::string_view to_string(TunnelEvent event);

struct Transition {
  TunnelState from;
  TunnelEvent event;
  TunnelState to;
  std::string_view audited_as;
};
std::span<const Transition> tunnel_transitions();

// The transition for (from, event), or nothing when it is illegal.
const Transition* find_transition(TunnelState from, TunnelEvent event);

// Why a tunnel is not well. `text` is what operators see and what the audit holds; `hint` says how to mend
// it.
enum class Reason : std::uint8_t {
  none,
  by_operator,
  name_not_resolved,
  connect_refused,
  connect_timeout,
  connect_failed,
  handshake_failed,
  no_common_algorithm,
  host_key_unknown,
  host_key_changed,
  host_key_revoked,
  known_hosts_unreadable,
  key_unreadable,
  key_unsupported,
  passphrase_wrong,
  auth_refused,
  listener_refused,
  local_port_taken,
  keepalive_lost,
  connection_closed,
  connection_reset,
  probe_failed,
  server_frozen,
  transport_corrupt,
  health_failed,
  attempts_exhausted,
  stopped_by_hook,
  config_changed,
  internal,
};

struct ReasonText {
  Reason reason;
  std::string_view id;    // "auth_refused": stable, for machines
  std::string_view text;  // "auth refused"
  std::string_view hint;  // one sentence: what to do
  bool patient;           // waits backoff_max: trying sooner cannot help and would hammer the server
};
const ReasonText& describe(Reason reason);
std::span<const ReasonText> all_reasons();

// How we know that a connected tunnel carries data.
enum class Proof : std::uint8_t { none, probe, traffic };
std::string_view to_string(Proof proof);

}  // namespace fairlead::core
