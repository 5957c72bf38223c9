// `fairlead daemon`: runs in the foreground until SIGTERM or SIGINT; owns every part of the daemon. Once a
// process, on its main thread. Failure is the exit code: 78 for a configuration it cannot start with, 1 for
// all else; the reason is on stderr by then.
#pragma once
#include <optional>
#include <string>

#include "base/log.hpp"

namespace fairlead::app {

struct DaemonOptions {
  std::string config_path;                    // --config; empty: found as usual
  std::optional<base::Level> log_level;       // over the configuration's
  std::optional<base::LogFormat> log_format;  // over the configuration's
};

int run_daemon(const DaemonOptions& options);

}  // namespace fairlead::app
