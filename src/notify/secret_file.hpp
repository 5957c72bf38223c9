// A secret from its file. Blocks: for the thread pool. An error names the file and never what is in it.
#pragma once
#include <string>

#include "base/result.hpp"

namespace fairlead::notify {

// The file's text without white space at its ends. Refused (Code::forbidden) when others than its owner and
// group may read or write it; refused too (Code::bad_config) when it is empty, has several lines, or holds
// control characters: a header may be made of it.
base::Result<std::string> read_secret(const std::string& path);

}  // namespace fairlead::notify
