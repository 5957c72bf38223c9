#include "app/process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace fairlead::app {

void prepare_process(base::Log& log) {
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    log.warn("core_dumps_allowed", {{"error", std::strerror(errno)}});
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0)
      log.warn("descriptor_limit_kept", {{"error", std::strerror(errno)}});
  }
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(077);
}

}  // namespace fairlead::app
