// The commands that need no daemon: `config` reads the configuration file, `audit` the audit log on disk.
#pragma once
#include "app/command_line.hpp"
#include "cli/syntax.hpp"

namespace fairlead::app {

// `globals` is read when a command runs, and must live until then.
void add_config_commands(cli::Command program, const GlobalOptions& globals);
void add_audit_commands(cli::Command program, const GlobalOptions& globals);

}  // namespace fairlead::app
