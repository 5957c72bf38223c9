// `up --wait`: until the daemon is there and every tunnel named is proven, or the time is over. Follows the
// daemon's events so that it is prompt, and reads the status once a second as well, so that it is right when
// events are lost.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "cli/context.hpp"
#include "cli/daemon_client.hpp"
#include "cli/exit_codes.hpp"

namespace fairlead::cli {

enum class Verdict : std::uint8_t {
  waiting,   // may still come
  proven,    // connected or degraded, and data has crossed
  unproven,  // the same, and the server forbids the proof
  failed,    // will not come by itself: failed, stopped by someone, or gone from the configuration
};
// Of one tunnel's JSON; a view that does not exist is `failed`. Pure.
Verdict judge(base::JsonView tunnel);

struct WaitOptions {
  base::Millis timeout{60'000};
  bool require_proof = false;
  base::SteadyTime start = base::steady_now();  // from when the timeout counts

  base::SteadyTime deadline() const { return start + timeout; }
};

struct Waited {
  Exit exit = Exit::failure;
  std::string message;  // why it is not ok, with the hint; for ok: a warning, or empty
  base::Json tunnel;    // as last read; null when it is gone
};

// GET /v1/status of a daemon that may be starting just now: where nobody listens yet, it is asked again until
// the time is over. Then, and where asking again is no use, the error of the last attempt.
base::Result<base::Json> status_once_there(Context& context, DaemonClient& client,
                                           const WaitOptions& options);

// One entry for each name. An error when the daemon goes away meanwhile.
base::Result<std::map<std::string, Waited>> wait_until_proven(Context& context, DaemonClient& client,
                                                              const std::vector<std::string>& names,
                                                              const WaitOptions& options);

}  // namespace fairlead::cli
