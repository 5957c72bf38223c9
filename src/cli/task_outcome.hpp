// How a task ended, for the shell: the exit status of `task add --wait` and `task wait`, and one line of
// words. Pure; the JSON is that of GET /v1/tasks/ID (docs/api.md).
#pragma once
#include <cstdint>
#include <string>

#include "base/json.hpp"
#include "cli/exit_codes.hpp"
#include "cli/terminal.hpp"

namespace fairlead::cli {

// Documented in fairlead(1). A program's own status may be one of them: `--json` tells them apart.
namespace task_exit {
inline constexpr int kNotOver = 75;      // the time to wait is over, the task is not (EX_TEMPFAIL)
inline constexpr int kTimedOut = 124;    // its own timeout passed; as timeout(1)
inline constexpr int kNoStatus = 125;    // it ended without a status of its program: cancelled, refused, lost
inline constexpr int kSignalBase = 128;  // and the number of the signal that ended its program, or the wait
}  // namespace task_exit

bool is_over(base::JsonView task);

// 0 for a task that is done; its program's status; 128 and more for a signal; else one of task_exit.
Exit exit_of_task(base::JsonView task);

// A message about a task, which names it.
std::string about_task(std::int64_t id, const std::string& message);

// "done in 1m 2s", "failed: runtime: exit 3", "running on attic", "queued, waits for lock site:attic".
std::string outcome_text(base::JsonView task);
Style outcome_style(base::JsonView task);

}  // namespace fairlead::cli
