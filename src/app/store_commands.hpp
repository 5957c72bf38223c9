// `store`: the queue's schema, looked at or brought up to date without a daemon.
#pragma once
#include "app/command_line.hpp"
#include "cli/syntax.hpp"

namespace fairlead::app {

// `globals` is read when a command runs, and must live until then.
void add_store_commands(cli::Command program, const GlobalOptions& globals);

}  // namespace fairlead::app
