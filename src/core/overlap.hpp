// Whether two addresses can be listened on side by side, on the same port. Pure.
#pragma once
#include <string_view>

namespace fairlead::core {

// Hosts as a forward's `listen` has them, in lower case: an address, a wildcard, or "localhost", which is
// 127.0.0.1 and ::1.
bool listens_overlap(std::string_view a, std::string_view b);

}  // namespace fairlead::core
