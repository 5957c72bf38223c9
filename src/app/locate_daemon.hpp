// Where the daemon listens, for the commands that talk to it. Blocking: reads the configuration file.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cli/context.hpp"

namespace fairlead::app {

struct GlobalOptions;

// --socket, else the control socket in the configuration's runtime folder.
//
// A broken configuration must not put a daemon out of reach that runs on the file as it was: of such a file,
// only what it says of the runtime folder is taken, and only when there is a socket. Error{bad_config}
// otherwise.
base::Result<cli::DaemonAddress> locate_daemon(const GlobalOptions& options);

// The value of a top-level `key: value` in YAML text that may be broken elsewhere; empty when there is none.
std::string_view top_level_value(std::string_view text, std::string_view key);

}  // namespace fairlead::app
