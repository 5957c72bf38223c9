// Named places at which a fault test ends the daemon at once, as kill -9 would: FAIRLEAD_FAILPOINT=NAME[:N]
// in the environment, at the Nth pass (the first, where N is not there). The names are in failpoint.def.
//
// They are always compiled in, so that what is tested is what runs elsewhere: where none is armed a pass
// costs a load and a branch that is not taken. The environment is read when the program, or a module with its
// own copy of this, is loaded. Any thread.
#pragma once
#include <cstdint>

#include "base/result.hpp"

namespace fairlead::base {

enum class Failpoint : std::uint8_t {
  none,
#define FAILPOINT(id, where) id,
#include "base/failpoint.def"
#undef FAILPOINT
};

// The name of what is armed, or nothing. Error{bad_config}: the environment names a point that is not there,
// or a number that is none; nothing is armed then.
Result<const char*> armed_failpoint();

namespace detail {
extern const Failpoint kArmed;
void pass_armed();
}  // namespace detail

inline void failpoint(Failpoint point) {
  if (point == detail::kArmed) [[unlikely]]
    detail::pass_armed();
}

}  // namespace fairlead::base
