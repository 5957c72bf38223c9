// What the daemon asks of the operating system for itself, once, before anything else is started.
#pragma once
#include "base/log.hpp"
#include "base/result.hpp"

namespace fairlead::app {

// No core dumps (keys pass through memory), the soft descriptor limit raised to the hard one, writes to
// closed pipes as errors instead of SIGPIPE, files made for the owner alone. What fails is logged: none of it
// is worth not starting for.
void prepare_process(base::Log& log);

}  // namespace fairlead::app
