// Whether a ctx that a person wrote is one that an event's hooks could get. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/events.hpp"

namespace fairlead::core {

// One sentence for each thing that is wrong: an unknown field (with the one that was meant), or a value of
// the wrong type. Fields may be missing: a hook that reads one fails, and says so. `clock` and `seed` belong
// to every event.
std::vector<std::string> check_context(const EventInfo& event, base::JsonView context);

}  // namespace fairlead::core
