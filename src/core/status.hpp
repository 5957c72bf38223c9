// What a tunnel shows of itself: a snapshot, made on request, rendered by api/.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/config.hpp"
#include "core/tunnel_state.hpp"

namespace fairlead::core {

struct ForwardStatus {
  Forward forward;
  bool listening = false;
  Proof proof = Proof::none;
  std::uint64_t connections = 0;  // accepted since the tunnel was started
  std::uint32_t active = 0;       // open now
  std::uint64_t bytes_to_target = 0;
  std::uint64_t bytes_from_target = 0;
  std::uint64_t refused = 0;  // accepted but not joined: target dead, line down, or limit
  std::optional<base::WallTime> last_activity;
};

struct HealthResult {
  base::WallTime time;
  bool good = false;
  int http_status = 0;  // 0 when there was no answer
  std::string error;    // empty when there was an answer
  base::Millis latency{0};
};

// A hook keeps a tunnel `connected` though its health check fell.
struct HealthHold {
  std::string hook, why;
  base::Millis left{0};
};

struct TunnelStatus {
  std::string name;
  TunnelState state = TunnelState::stopped;
  Proof proof = Proof::none;
  Reason reason = Reason::none;
  std::string detail;  // specifics of the reason (a fingerprint, an address), printable
  std::string hint;
  Actor actor;
  Endpoint host;
  std::string ssh_user;
  base::WallTime since;                // of the state
  std::optional<base::Millis> uptime;  // since it was connected
  int attempts = 0;                    // since it was last well
  std::optional<base::Millis> next_attempt_in;
  std::uint64_t reconnects = 0;                  // times it came back since it was started
  std::optional<base::Millis> probe_round_trip;  // of the last probe that crossed
  std::vector<ForwardStatus> forwards;
  std::optional<HealthResult> health;
  bool health_good = true;
  std::optional<HealthHold> health_hold;
  bool has_health_check = false;
  std::string host_key_fingerprint;  // "SHA256:…" of the server, once seen
  std::string algorithms;            // "curve25519-sha256 ssh-ed25519 aes128-ctr hmac-sha2-256", once agreed
};

}  // namespace fairlead::core
