// The daemon's JSON about tasks as text for people. Pure. All that came from outside is made printable here.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace fairlead::cli {

// The table of GET /v1/tasks.
std::string render_tasks(base::JsonView list, base::WallTime now, bool color);

// One task, of GET /v1/tasks/ID: what it is, how it stands, its output and timeline, and what to do.
// `workers` is GET /v1/workers, or nothing: then the hint does not speak of them.
std::string render_task(base::JsonView task, base::JsonView workers, base::WallTime now, bool color);

// What an operator can do about it; empty when there is nothing to do.
std::string task_hint(base::JsonView task, base::JsonView workers);

// "4m 2s", of a time in the daemon's JSON; "-" when there is none.
std::string age_text(base::JsonView time, base::WallTime now);

}  // namespace fairlead::cli
