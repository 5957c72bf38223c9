// The daemon's JSON about queue, store and workers as text for people. Pure. All that came from outside is
// made printable here.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace fairlead::cli {

// Whether a status that is about tunnels should speak of the queue: there is a worker, a shared store, or
// trouble.
bool is_worth_a_line(base::JsonView queue);
// "queue: sqlite, open; worker attic: 2 of 4 at work": `queue` of the status, in one line or two.
std::string queue_line(base::JsonView queue, bool color);

// GET /v1/queue: store, worker, what waits and runs, pauses.
std::string render_queue(base::JsonView queue, base::WallTime now, bool color);

// The table of GET /v1/workers.
std::string render_workers(base::JsonView workers, bool color);
// One of them, and the tasks that it has (GET /v1/tasks).
std::string render_worker(base::JsonView worker, base::JsonView tasks, base::WallTime now, bool color);

// "everything", "kind script", "site attic".
std::string scope_text(base::JsonView pause);

}  // namespace fairlead::cli
