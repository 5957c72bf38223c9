// Which hooks an offline command is about, and the trial of them: what every `fairlead policy …` begins with.
#pragma once
#include <functional>
#include <string>

#include "app/command_line.hpp"
#include "app/hook_trial.hpp"
#include "cli/context.hpp"
#include "cli/exit_codes.hpp"

namespace fairlead::app {

struct PolicyPlace {
  core::PolicySettings settings;  // its folder: the one that is asked for
  std::string state_folder;       // empty: there was no configuration, and none was needed
};

// `folder`: as given; empty: `policy.dir` of the configuration. With a folder the configuration gives no more
// than the deadlines, and may be missing. `needs_config`: the state folder is wanted as well.
cli::Exit with_policy_place(cli::Context& context, const GlobalOptions& globals, const std::string& folder,
                            bool json, bool needs_config,
                            const std::function<cli::Exit(const PolicyPlace&)>& use);

// Loads the hooks and hands them on; where they do not load, every problem is said on a line of its own.
using UseTrial = std::function<cli::Exit(HookTrial&, const policy::Generation::Loaded&)>;
cli::Exit with_trial(cli::Context& context, const PolicyPlace& place, bool json, const UseTrial& use);

}  // namespace fairlead::app
