// `fairlead-host MODE`: argv in, exit code out. Exit codes: 64 for a wrong call, else the mode's.
#include <sys/stat.h>

#include <cstdio>
#include <cstring>

#include "host/modes.hpp"

namespace {

struct Mode {
  const char* name;
  int (*run)();
};
constexpr Mode kModes[] = {{"policy", fairlead::host::run_policy}, {"spawner", fairlead::host::run_spawner}};

constexpr int kUsage = 64;  // EX_USAGE of sysexits.h

bool is_socket(int fd) {
  struct stat seen = {};
  return ::fstat(fd, &seen) == 0 && S_ISSOCK(seen.st_mode);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Mode& mode : kModes)
    if (argc == 2 && std::strcmp(argv[1], mode.name) == 0 && is_socket(fairlead::host::kSocketFd))
      return mode.run();
  std::fprintf(
      stderr,
      "fairlead-host: this is a part of fairlead, which starts it by itself: run `fairlead --help`\n");
  return kUsage;
}
