#include "base/installed.hpp"

#include <unistd.h>

#include "base/file.hpp"

namespace fairlead::base {

std::vector<std::string> installed_paths(std::string_view file) {
  std::vector<std::string> paths;
  char self[4096];
  const auto size = ::readlink("/proc/self/exe", self, sizeof self);
  if (size > 0 && static_cast<std::size_t>(size) < sizeof self)
    paths.push_back(join_path(parent_of(std::string(self, static_cast<std::size_t>(size))), file));
  paths.push_back(join_path(FAIRLEAD_MODULE_DIR, file));
  return paths;
}

}  // namespace fairlead::base
