// The folder that one child has to itself. Its spawner makes it, so that it knows the name whatever becomes
// of the guard; the guard fills it, and takes it away when the tree has ended.
#pragma once
#include <cstddef>
#include <limits>
#include <string>

#include "base/result.hpp"

namespace fairlead::host {

base::Result<std::string> make_private_folder(const std::string& in);  // 0700, "IN/fairlead-XXXXXX"

std::string input_path(const std::string& folder);
base::Result<> write_input(const std::string& folder, const std::string& input);  // 0600

// With all that is in it, also what the child has made unreadable; follows no link. Gives up after `most`
// entries, and then, as at what cannot be removed, is false.
bool remove_private_folder(const std::string& path,
                           std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace fairlead::host
