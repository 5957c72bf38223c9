// libyaml's terse errors, told with the place that an operator must look at and with what is usually wrong
// there.
#pragma once
#include <string_view>

#include "config/problems.hpp"

namespace fairlead::config {

struct SyntaxError {
  std::string_view problem;  // libyaml's words
  std::string_view context;  // what it was doing, or empty
  Position at;
  Position context_at;  // where that began
};
void report_syntax_error(const SyntaxError& error, std::string_view text, Problems& problems);

}  // namespace fairlead::config
