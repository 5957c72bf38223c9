#include "exec/executors.hpp"

#include <utility>

namespace fairlead::exec {

void add_executors(core::ExecutorRegistry& registry, const core::ExecutorSettings& settings, loop::Loop& loop,
                   core::SpawnPort& spawn) {
  // No two here have a kind in common, and the registry refuses nothing else.
  const auto add = [&](std::unique_ptr<core::Executor> executor) { (void)registry.add(std::move(executor)); };
  if (!settings.scripts.empty()) add(make_script(loop, spawn, settings.scripts));
  if (settings.run_bash) add(make_run_bash(loop, spawn, *settings.run_bash));
  if (settings.run_python) add(make_run_python(loop, spawn, *settings.run_python));
  if (settings.noop) add(make_noop(loop));
  if (settings.sleep) add(make_sleep(loop));
}

}  // namespace fairlead::exec
