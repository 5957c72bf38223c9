#include "base/module.hpp"

#include <dlfcn.h>

#include <string_view>

#include "base/file.hpp"

namespace fairlead::base {

namespace {

Error missing_module(const Module& module, const std::vector<std::string>& paths) {
  std::string tried;
  for (const auto& path : paths) tried += (tried.empty() ? "" : ", ") + path;
  return {Code::unavailable,
          std::string(module.purpose) + " is not installed: install the package " + module.package +
              " (looked for " + tried + ")",
          {}};
}

}  // namespace

Result<void*> load_module(const Module& module, const std::vector<std::string>& paths) {
  std::string path;
  for (const auto& candidate : paths)
    if (path.empty() && exists(candidate)) path = candidate;
  if (path.empty()) return missing_module(module, paths);

  void* opened = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    const char* why = ::dlerror();
    return Error{Code::unavailable,
                 std::string("cannot load ") + module.purpose + "; reinstall the package " + module.package +
                     ": " + (why == nullptr ? "unknown" : why),
                 path};
  }
  using Abi = const char*();
  const auto abi = reinterpret_cast<Abi*>(::dlsym(opened, module.abi_symbol));
  void* const make = ::dlsym(opened, module.make_symbol);
  if (abi == nullptr || make == nullptr || std::string_view(abi()) != module.abi) {
    return Error{Code::unsupported,
                 std::string("is of another version: install the package ") + module.package +
                     " that belongs to fairlead " + FAIRLEAD_VERSION,
                 path};
  }
  return make;
}

}  // namespace fairlead::base
