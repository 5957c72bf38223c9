// Loads the HTTP client from its module, fairlead-http.so: libcurl weighs 7 MB, and a site without health
// checks never pays for it. Called by app/ and cli/ on first use; blocks for some milliseconds.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/ports.hpp"

namespace fairlead::loop {
class Loop;
}

namespace fairlead::http {

// The module beside the executable (a build folder), then the installed one.
std::vector<std::string> module_paths();

// The first of `paths` that exists is loaded. Code::unavailable when there is none (the package
// `fairlead-http` is missing) or it cannot be loaded; Code::unsupported when it is of another version.
// The client must be gone before the loop.
base::Result<std::unique_ptr<core::HttpClient>> load_client(
    loop::Loop& loop, const std::vector<std::string>& paths = module_paths());

}  // namespace fairlead::http
