// Verdicts as scripts see them: opaque values that only the methods of ctx make, so that a verdict is never a
// magic string and never misspelt.
#pragma once
#include <string>

#include <lua.h>

#include "base/result.hpp"
#include "core/events.hpp"

namespace fairlead::host {

// Makes the type known to the state; once.
void open_verdicts(lua_State* state);

// Pushes the function that builds this form: ctx.after("5s").
void push_builder(lua_State* state, const core::VerdictForm& form);

// The value at `index` as it crosses to the daemon: {"verdict":"after","delay":5}. Error{bad_request} where
// it is no verdict of this event.
base::Result<std::string> verdict_json(lua_State* state, int index, const core::EventInfo& event);

}  // namespace fairlead::host
