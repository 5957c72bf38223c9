#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/file.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/surroundings.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kSystemFile = "/etc/fairlead/fairlead.yaml";

// The mode follows from the path as it is named, so that `config check` by anybody and the daemon agree on
// it.
Location at(std::string file) {
  file = normal_path(file);
  const bool system_mode = file.starts_with("/etc/");
  return {std::move(file), system_mode};
}

base::Result<std::string> absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char folder[PATH_MAX];
  if (!::getcwd(folder, sizeof folder)) return base::os_error("cannot tell the current folder", errno);
  return base::join_path(folder, path);
}

base::Result<Location> named(const std::string& path, std::string_view by) {
  auto full = absolute(path);
  if (!full) return full.error();
  if (base::exists(*full)) return at(*full);
  return base::Error{base::Code::not_found, "no such file, named by " + std::string(by), normal_path(*full)};
}

}  // namespace

base::Result<Location> find_config(const std::string& explicit_path) {
  if (!explicit_path.empty()) return named(explicit_path, "--config");
  for (const char* variable : {"FAIRLEAD_CONFIG", "BRIDGE_CONFIG"}) {
    const char* path = std::getenv(variable);
    if (path && *path) return named(path, "$" + std::string(variable));
  }
  const Surroundings here = Surroundings::of_process();
  std::string looked_at = "--config, $FAIRLEAD_CONFIG, $BRIDGE_CONFIG";
  if (!here.config_home.empty()) {
    const std::string own = normal_path(here.config_home + "/fairlead/fairlead.yaml");
    if (base::exists(own)) return at(own);
    looked_at += ", " + own;
  }
  if (base::exists(std::string(kSystemFile))) return at(std::string(kSystemFile));
  return base::Error{base::Code::not_found,
                     "no configuration: looked at " + looked_at + " and " + std::string(kSystemFile), ""};
}

}  // namespace fairlead::config
