// Where the parts of fairlead lie that are files of their own: its modules and its second executable.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::base {

// Where `file` may be, best first: beside the running executable (a build folder), then where it is
// installed.
std::vector<std::string> installed_paths(std::string_view file);

}  // namespace fairlead::base
