// The JSON of tasks: pure functions of records, a contract as render.hpp is.
#pragma once
#include "base/json.hpp"
#include "core/task_store.hpp"

namespace fairlead::api {

base::Json render(const core::TaskRecord& task);  // as lists show it
// With envelope, result, timeline and notes.
base::Json render(const core::TaskDetail& detail);
base::Json render(const core::Submitted& submitted);
// What the result kept of the output, as [{"stream", "text" | "missing_bytes"}], in order within each stream.
base::Json kept_output(const core::TaskRecord& task);
// The body of an event "task_state", made of the last transition; null when there is none.
base::Json last_change(const core::TaskDetail& detail);

}  // namespace fairlead::api
