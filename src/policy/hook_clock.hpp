// What hooks see of the time: the members of ctx.clock (core::clock_fields), in the machine's local time.
#pragma once
#include "base/clock.hpp"
#include "base/json.hpp"

namespace fairlead::policy {

base::Json hook_clock(base::WallTime now);

}  // namespace fairlead::policy
