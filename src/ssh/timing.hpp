// How long a session and its probes wait. These are the product's figures; tests pass shorter ones. What
// running over a deadline is called stands in the table of session.cpp.
#pragma once
#include "base/clock.hpp"

namespace fairlead::ssh {

struct Timing {
  // Per state of a session, beyond the tunnel's `connect_timeout`.
  base::Millis loading{10'000};
  base::Millis resolving{0};
  base::Millis connecting{1'000};  // the connector's own deadline comes first
  base::Millis queued{60'000};     // below sshd's LoginGraceTime of 120 s
  base::Millis exchanging{5'000};
  base::Millis verifying{5'000};
  base::Millis authenticating{10'000};
  base::Millis listening{5'000};

  // An attempt that has no TCP connection by then gives its place among the handshakes up: hosts that are
  // down must not keep those that are not waiting.
  base::Millis place_unconnected{1'000};

  // A line is asked at the first tick before which a whole tick was silent: every other tick when it is idle,
  // as the answer is a byte too. So a frozen server or a dead link is seen within 2 * probe_tick +
  // probe_silence = 13 s; the promise is 15 s. The tick is the default keepalive's, so that both wake us
  // once.
  base::Millis probe_tick{4'000};
  base::Millis probe_silence{5'000};  // with a question outstanding and not one byte from the server
  // While other bytes still arrive, a full queue on a slow link may hold the answer up; then patience ends
  // here.
  base::Millis probe_patience{60'000};
  base::Millis proof_age{60'000};  // a busy line is proven again at least this often
  // How long a silent client waits while a probe is outstanding, on top of the line's own round trip and of
  // the time after which a lost packet is sent again.
  base::Millis client_hold{200};
  int probe_misses = 3;  // in a row, while silent channels were passed on: then the line is given up

  base::Millis stable{60'000};  // connected for so long: the next loss begins with the backoff's first wait
};

}  // namespace fairlead::ssh
