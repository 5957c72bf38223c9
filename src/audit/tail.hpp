// The last lines of the log, across rotated files. Blocking, in memory bounded by what is asked for: for the
// CLI and the thread pool. Does not check the chain: verify() does.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::audit {

struct Tailed {
  std::vector<base::Json> entries;  // oldest first; the whole line as an object
  std::size_t unreadable = 0;       // lines passed over because they are damaged
};

// At most `count` entries; with `tunnel` set, those of that tunnel only. Error{not_found} without the folder.
base::Result<Tailed> tail(const std::string& folder, std::size_t count, const std::string& tunnel = {});

}  // namespace fairlead::audit
