// Waiting for tasks to end, and showing what one writes meanwhile. Follows the daemon's events so that it is
// prompt, and reads the tasks as well, so that it is right when events are lost or the task is at work under
// another daemon.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "cli/context.hpp"
#include "cli/daemon_client.hpp"
#include "cli/exit_codes.hpp"

namespace fairlead::cli {

struct TaskWaitOptions {
  std::optional<base::Millis> timeout;  // nothing: until they are over
  bool follow = false;                  // of one task: its output to stdout and stderr
  std::string last_event_id;            // from where that goes on; empty: from now
  bool was_shown = false;               // what came before that was shown already
};

struct TaskEnd {
  std::int64_t id = 0;
  base::Json task;                   // as last read, GET /v1/tasks/ID; null: it was never read
  std::optional<base::Error> error;  // why it could not be waited for to its end
  Exit exit = Exit::failure;
};

// One entry for each id, in order; no two ids are alike. Ctrl-C and SIGTERM end the waiting, not the tasks;
// it says so.
std::vector<TaskEnd> wait_for_tasks(Context& context, DaemonClient& client,
                                    const std::vector<std::int64_t>& ids, const TaskWaitOptions& options);

// One code for several tasks: the highest.
Exit fold_ends(const std::vector<TaskEnd>& ends);

// A piece of a task's output. On a terminal control characters but newlines and tabs are escaped: what a
// program writes must not command the reader's terminal.
void write_output(Context& context, bool is_error, std::string_view text);

}  // namespace fairlead::cli
