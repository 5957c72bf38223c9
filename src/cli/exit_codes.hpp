// What the process ends with, the same for every command. Scripts rely on these numbers: they are documented
// in fairlead(1). 64, 69 and 78 are those of sysexits.h.
#pragma once
#include <span>

#include "base/result.hpp"

namespace fairlead::cli {

// `task add --wait` and `task wait` end as the task did: with any status that its program chose, and with
// those of task_outcome.hpp.
enum class Exit : int {
  ok = 0,
  failure = 1,       // it failed, the tunnel is unknown, or the configuration is bad
  already = 2,       // already in the requested state
  usage = 64,        // the command line makes no sense
  unreachable = 69,  // no daemon answers
  bad_config = 78,   // the daemon cannot start with this configuration
};

Exit exit_of(base::Code code);

// One code for several tunnels: the worst that happened; `already` only when every one was.
Exit fold(std::span<const Exit> exits);

}  // namespace fairlead::cli
