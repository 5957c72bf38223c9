// The text of a new hook file, with all that its event offers as comments. Pure.
#pragma once
#include <string>
#include <string_view>

#include "core/events.hpp"

namespace fairlead::core {

// A file that loads as it stands and changes nothing. Precondition: is_hook_name(name).
std::string hook_skeleton(const EventInfo& event, std::string_view name);

}  // namespace fairlead::core
