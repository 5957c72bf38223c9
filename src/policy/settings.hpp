// How hooks are asked: times and bounds, from the configuration.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/events.hpp"

namespace fairlead::policy {

struct Deadlines {
  base::Millis standard{20};
  std::vector<base::Millis> by_event;  // empty, or one for each event; zero: the standard
  // More time until the process is ended; the gentle limit of CPU time stays. For the command line, where
  // nobody waits for the answer: a process that the machine gives no time has up to a minute.
  base::Millis grace{0};
  // How long calls wait for a process that is started anew; then they get their safe defaults.
  base::Millis patience{500};
  base::Millis of(core::HookEvent event) const {
    const auto at = static_cast<std::size_t>(event);
    const base::Millis own = at < by_event.size() ? by_event[at] : base::Millis(0);
    return own > base::Millis(0) ? own : standard;
  }
};

constexpr int kStrikes = 3;                    // kills of one hook until it is quarantined
constexpr base::Millis kLoadDeadline{10'000};  // from the process's start to "loaded"; loading blocks nobody
constexpr base::Millis kTestDeadline{60'000};  // for an operator's tests, all together
constexpr base::Millis kRestartPause{1'000};   // after a process that could not be started
constexpr std::size_t kMostInBatch = 64;       // calls that share one deadline
constexpr std::size_t kMostWaiting = 20'000;   // calls; beyond it the safe default holds at once

}  // namespace fairlead::policy
