// `fairlead policy …`: hooks checked, tested, asked and explained with the daemon's own policy process, and
// without a daemon.
#pragma once
#include "app/command_line.hpp"
#include "app/policy_place.hpp"
#include "cli/syntax.hpp"

namespace fairlead::app {

// `globals` is read when a command runs, and must live until then.
void add_policy_commands(cli::Command program, const GlobalOptions& globals);

// eval and explain (policy_asks.cpp): one call, its ctx from stdin.
struct AskRequest {
  std::string event;
  std::string folder;
  bool json = false;
};
cli::Exit evaluate(cli::Context& context, const GlobalOptions& globals, const AskRequest& request);
cli::Exit explain(cli::Context& context, const GlobalOptions& globals, const AskRequest& request);
// Null, complaining, where there is no such event.
const core::EventInfo* event_named(cli::Context& context, const std::string& name, bool json);

// replay (policy_replay.cpp).
struct ReplayRequest {
  std::string since = "7d";
  std::string folder;
  bool json = false;
};
cli::Exit replay(cli::Context& context, const GlobalOptions& globals, const ReplayRequest& request);

}  // namespace fairlead::app
