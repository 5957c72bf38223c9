// The envelope that tasks are submitted in: version 1, strictly validated, docs/task-envelope.schema.json.
// One table of fields (task_envelope.cpp) is the rule for both. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "core/task.hpp"

namespace fairlead::core {

// Code::bad_request: every fault on a line of its own, "FIELD: what, how to mend"; Code::too_large for the
// payload. `actor` (and a trace id) are filled in by the caller where the envelope says nothing.
base::Result<TaskEnvelope> parse_envelope(base::JsonView json);

base::Json envelope_json(const TaskEnvelope& envelope);

// What tells two submissions under one idempotency key apart: everything but the key, who asks (actor, trace
// id) and when it may begin: "in ten minutes" said again is another time, and the same task.
std::string envelope_fingerprint(const TaskEnvelope& envelope);  // 64 hex digits

// The JSON Schema (draft 2020-12) of the envelope, generated from the same table.
std::string envelope_schema();

// "site:attic": a scope of [a-z][a-z0-9_-]*, a colon, and 1 to 100 of [A-Za-z0-9._/-].
bool is_lock_key(std::string_view text);

}  // namespace fairlead::core
