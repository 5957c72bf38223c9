#include "http/load_client.hpp"

#include "base/installed.hpp"
#include "base/module.hpp"
#include "http/module.hpp"

namespace fairlead::http {

std::vector<std::string> module_paths() {
  return base::installed_paths(kModuleFile);
}

base::Result<std::unique_ptr<core::HttpClient>> load_client(loop::Loop& loop,
                                                            const std::vector<std::string>& paths) {
  const auto made = base::load_module(
      {kModuleFile, "fairlead-http", "the HTTP client", kModuleAbiSymbol, kModuleAbi, kModuleNewSymbol},
      paths);
  if (!made) return made.error();
  std::unique_ptr<core::HttpClient> client(reinterpret_cast<ModuleNew*>(*made)(loop));
  if (!client) return base::Error{base::Code::unavailable, "libcurl does not start", {}};
  return client;
}

}  // namespace fairlead::http
