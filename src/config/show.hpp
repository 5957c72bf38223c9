// The effective configuration, every default and path written out: for `fairlead config show`. Pure. Secrets
// are masked: user and password in a URL, and query values whose names say so; files named in it are not
// read.
#pragma once
#include <string>

#include "base/json.hpp"
#include "core/config.hpp"

namespace fairlead::config {

// Itself a file that loads to the same configuration, where nothing is masked. A comment on top tells the
// file, the mode and what `~` and relative paths were resolved against.
std::string show_yaml(const core::Config& config);
// The same keys; durations as NAME_seconds.
base::Json show_json(const core::Config& config);

}  // namespace fairlead::config
