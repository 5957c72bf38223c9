// The configuration for commands that need no daemon: found, loaded, or complained about.
#pragma once
#include <functional>

#include "app/command_line.hpp"
#include "cli/context.hpp"
#include "cli/exit_codes.hpp"
#include "core/config.hpp"

namespace fairlead::app {

// Hands the configuration on. Where there is none, or it has problems, all of them are said, with `json` as
// an object on stdout too.
cli::Exit with_config(cli::Context& context, const GlobalOptions& globals, bool json,
                      const std::function<cli::Exit(const core::Config&)>& use);

}  // namespace fairlead::app
