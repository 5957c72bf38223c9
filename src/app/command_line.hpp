// The whole of `fairlead`: builds the command line, finds the daemon's socket for the commands that talk to
// it, runs the one that was chosen. Main thread; everything is over when it returns.
#pragma once
#include <string>

#include "base/result.hpp"
#include "cli/context.hpp"

namespace fairlead::app {

struct GlobalOptions {
  std::string config;  // --config
  std::string socket;  // --socket
  std::string color = "auto";
};

// The exit code, as fairlead(1) lists them.
int run_command_line(int argc, const char* const* argv);

// --socket, else the control socket in the configuration's runtime folder. When the configuration is broken,
// the socket at its usual place if there is one: a daemon that runs on an earlier, good file must stay within
// reach.
base::Result<cli::DaemonAddress> locate_daemon(const GlobalOptions& options);

}  // namespace fairlead::app
