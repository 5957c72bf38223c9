// Loads the parts of fairlead that bring heavy libraries with them: shared objects that are opened on first
// use and see the executable's symbols (ADR 0002). Blocks for some milliseconds.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fairlead::base {

struct Module {
  const char* file;         // "fairlead-http.so"
  const char* package;      // that installs it
  const char* purpose;      // "the HTTP client"
  const char* abi_symbol;   // a function `const char*()` that names what it was built for …
  const char* abi;          // … which must be this: modules share C++ types with the executable
  const char* make_symbol;  // the function that the caller wants
};

// The address of `make_symbol` in the first of `paths` that exists. Never closed again: the libraries behind
// it leave exit handlers and thread-local storage that point into the mapping. Code::unavailable: there is
// none, or it cannot be loaded; Code::unsupported: it is of another version.
Result<void*> load_module(const Module& module, const std::vector<std::string>& paths);

}  // namespace fairlead::base
