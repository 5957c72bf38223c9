#include "base/permissions.hpp"

#include <sys/stat.h>

namespace fairlead::base {

bool others_can_read(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

}  // namespace fairlead::base
