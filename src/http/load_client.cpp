#include "http/load_client.hpp"

#include <dlfcn.h>

#include "base/file.hpp"
#include "base/installed.hpp"
#include "http/module.hpp"

namespace fairlead::http {

namespace {

base::Error missing(const std::vector<std::string>& paths) {
  std::string tried;
  for (const auto& path : paths) tried += (tried.empty() ? "" : ", ") + path;
  return {base::Code::unavailable,
          "the HTTP client is not installed: install the package fairlead-http (looked for " + tried + ")",
          {}};
}

}  // namespace

std::vector<std::string> module_paths() {
  return base::installed_paths(kModuleFile);
}

base::Result<std::unique_ptr<core::HttpClient>> load_client(loop::Loop& loop,
                                                            const std::vector<std::string>& paths) {
  std::string path;
  for (const auto& candidate : paths)
    if (path.empty() && base::exists(candidate)) path = candidate;
  if (path.empty()) return missing(paths);

  // Never dlclose()d: libcurl and libcrypto leave exit handlers and thread-local storage behind that point
  // into the mapping, and the client's own destructor runs in it.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* why = ::dlerror();
    return base::Error{base::Code::unavailable,
                       "cannot load the HTTP client; reinstall the package fairlead-http: " +
                           std::string(why == nullptr ? "unknown" : why),
                       path};
  }
  const auto abi = reinterpret_cast<ModuleAbi*>(::dlsym(module, kModuleAbiSymbol));
  const auto make = reinterpret_cast<ModuleNew*>(::dlsym(module, kModuleNewSymbol));
  if (abi == nullptr || make == nullptr || std::string_view(abi()) != kModuleAbi) {
    return base::Error{base::Code::unsupported,
                       "is of another version: install the package fairlead-http that belongs to fairlead " +
                           std::string(FAIRLEAD_VERSION),
                       path};
  }
  std::unique_ptr<core::HttpClient> client(make(loop));
  if (!client) return base::Error{base::Code::unavailable, "libcurl does not start", path};
  return client;
}

}  // namespace fairlead::http
