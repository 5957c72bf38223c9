// What may stand in the file at all: UTF-8 text without control characters. libyaml would stop at the first
// such byte with an offset only; here each gets its line. Pure.
#pragma once
#include <string_view>

#include "config/problems.hpp"

namespace fairlead::config {

// Reports bytes that are not UTF-8, NULs and control characters; true when there are none. A byte order mark
// of UTF-8 must have been taken off.
bool check_encoding(std::string_view text, Problems& problems);

// True for a value without control characters and line breaks of any kind (an escape such as "\x1b" in double
// quotes can bring them in).
bool is_one_line(std::string_view text);

}  // namespace fairlead::config
