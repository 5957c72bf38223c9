// What the executors that run a program have in common: the settings of the program and the attempt become a
// child's spec, and how the child ended becomes the attempt's result. Pure but for run_program() and the
// daemon's environment, which child_spec() reads by name. Loop thread only.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/child.hpp"
#include "core/executor.hpp"
#include "core/queue_settings.hpp"

namespace fairlead::exec {

// docs/executors.md, "What a program gets", is the promise that this keeps.
core::ChildSpec child_spec(const core::ProgramSettings& settings, const core::TaskRun& run,
                           std::vector<std::string> argv, std::string input);

// How an attempt was ended, where its child says no more than that it was.
enum class Ending : std::uint8_t { by_itself, on_request };

core::TaskResult task_result(const base::Result<core::ChildResult>& outcome, base::Millis timeout,
                             Ending ending);

// The result of an attempt that ran nothing: code `forbidden` or `validation`, as the error's is.
core::TaskResult refused_result(const base::Error& why);

// The call keeps nothing of its executor, and may outlive it; `spawn` outlives the call.
std::unique_ptr<core::ExecutorCall> run_program(core::SpawnPort& spawn, core::ChildSpec spec,
                                                core::Executor::OnOutput on_output,
                                                core::Executor::Done done);

}  // namespace fairlead::exec
