// JSON to Lua values and back. Precondition of both: the stack has room for a few values a level.
#pragma once
#include <lua.h>

#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::host {

// Pushes a copy that belongs to the script: objects and arrays become tables, null becomes nil.
void push_json(lua_State* state, base::JsonView value);

// What a script may hand out: nil, booleans, finite numbers, texts without NUL bytes, and tables of those, 16
// levels deep, 10 000 members, 256 KiB in all; a table whose keys are 1..n is an array, an empty one an
// object. What is no UTF-8 in texts and keys becomes U+FFFD: clients read the events, and files are kept of
// it. Error{bad_request}.
base::Result<base::Json> to_json(lua_State* state, int index);

}  // namespace fairlead::host
