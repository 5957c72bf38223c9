// The executors that a worker has: `script`, `run_bash`, `run_python`, `noop` and `sleep`, each where the
// configuration allows it. docs/executors.md tells what tasks say to them. app/ owns the registry; the loop
// and the spawner outlive it and the calls, which may outlive the executors. Loop thread only.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "core/child.hpp"
#include "core/executor.hpp"
#include "core/queue_settings.hpp"
#include "loop/loop.hpp"

namespace fairlead::exec {

// All that `settings` allow. After a reload: into a new registry, which takes the old one's place.
void add_executors(core::ExecutorRegistry& registry, const core::ExecutorSettings& settings, loop::Loop& loop,
                   core::SpawnPort& spawn);

// script.cpp
std::unique_ptr<core::Executor> make_script(loop::Loop& loop, core::SpawnPort& spawn,
                                            std::map<std::string, core::ScriptProgram> programs);
// inline_text.cpp
std::unique_ptr<core::Executor> make_run_bash(loop::Loop& loop, core::SpawnPort& spawn,
                                              core::ProgramSettings settings);
std::unique_ptr<core::Executor> make_run_python(loop::Loop& loop, core::SpawnPort& spawn,
                                                core::ProgramSettings settings);
// plain.cpp: without a process
std::unique_ptr<core::Executor> make_noop(loop::Loop& loop);
std::unique_ptr<core::Executor> make_sleep(loop::Loop& loop);

// A call that ends with `result` in the loop's next round.
std::unique_ptr<core::ExecutorCall> end_soon(loop::Loop& loop, core::TaskResult result,
                                             core::Executor::Done done);

}  // namespace fairlead::exec
