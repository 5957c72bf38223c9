// The whole of `fairlead`: builds the command line, says how to find the daemon's socket for the commands
// that talk to it, runs the one that was chosen. Main thread; everything is over when it returns.
#pragma once
#include <string>

namespace fairlead::app {

struct GlobalOptions {
  std::string config;  // --config
  std::string socket;  // --socket
  std::string color = "auto";
};

// The exit code, as fairlead(1) lists them.
int run_command_line(int argc, const char* const* argv);

}  // namespace fairlead::app
