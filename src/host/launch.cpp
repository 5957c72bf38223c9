#include "host/launch.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "host/landlock.hpp"

namespace fairlead::host {

namespace {

void default_signals() {
  struct sigaction as_new{};
  as_new.sa_handler = SIG_DFL;
  for (const int number : kIgnoredSignals) ::sigaction(number, &as_new, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void usual_descriptor_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= 1024) return;
  files.rlim_cur = 1024;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// Never above what we may have ourselves. `more`: the hard limit is that much higher, so that the soft one's
// signal comes first.
bool limit_to(decltype(RLIMIT_AS) resource, std::uint64_t value, rlim_t more = 0) {
  rlimit now{};
  if (value == 0) return true;
  if (::getrlimit(resource, &now) != 0) return false;
  const rlimit wanted{std::min<rlim_t>(value, now.rlim_max), std::min<rlim_t>(value + more, now.rlim_max)};
  return ::setrlimit(resource, &wanted) == 0;
}

bool set_limits(const core::ChildLimits& limits) {
  usual_descriptor_limit();
  return limit_to(RLIMIT_CPU, limits.cpu_seconds, 1) && limit_to(RLIMIT_AS, limits.address_space) &&
         limit_to(RLIMIT_FSIZE, limits.file_size) && limit_to(RLIMIT_NOFILE, limits.open_files) &&
         limit_to(RLIMIT_NPROC, limits.processes);
}

bool arrange_descriptors(const Launch& what) {
  if (::dup2(what.in, 0) < 0 || ::dup2(what.out, 1) < 0 || ::dup2(what.err, 2) < 0) return false;
  if (what.program < 0) return ::close_range(3, UINT_MAX, 0) == 0;
  if (what.program != kScriptFd && ::dup2(what.program, kScriptFd) < 0) return false;
  return ::fcntl(kScriptFd, F_SETFD, what.is_script ? 0 : FD_CLOEXEC) == 0 &&
         ::close_range(kScriptFd + 1, UINT_MAX, 0) == 0;
}

// In the child, on the parent's memory: only system calls here, and `failure` and `level` are all that is
// written. The filter comes last, so that it needs to let through nothing but what follows it.
[[noreturn]] void become(const Launch& what, pid_t parent, LaunchFailure& failure, LaunchLevel& level) {
  const auto fail = [&](LaunchStep step) {
    failure = {step, errno};
    ::_exit(127);
  };
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  if (::chdir(what.folder) != 0) fail(LaunchStep::enter_folder);
  level.no_new_privs = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  if (what.rules >= 0) level.rules = landlock_enter(what.rules);
  if (what.rules >= 0 && !level.rules && what.sandbox_required) fail(LaunchStep::sandbox);
  if (!arrange_descriptors(what)) fail(LaunchStep::descriptors);
  if (!set_limits(what.limits)) fail(LaunchStep::limits);
  default_signals();
  if (what.filter != nullptr) level.filter = ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, what.filter) == 0;
  if (what.filter != nullptr && !level.filter && what.sandbox_required) fail(LaunchStep::sandbox);
  if (what.program < 0)
    ::execve(what.path, what.argv, what.environment);
  else
    ::execveat(kScriptFd, "", what.argv, what.environment, AT_EMPTY_PATH);
  fail(LaunchStep::execute);
  ::_exit(127);
}

}  // namespace

pid_t launch(const Launch& what, LaunchFailure& failure, LaunchLevel& level) {
  const pid_t parent = ::getpid();
  // Not fork(): nothing is copied for a process that at once becomes another, and since the memory is shared
  // and we wait, the child says what went wrong by writing it down. posix_spawn(3) lacks half of what
  // become() does.
  const pid_t pid = ::vfork();  // NOLINT: on purpose
  if (pid == 0)
    become(what, parent, failure, level);  // NOLINT(clang-analyzer-unix.Vfork): it makes system calls alone
  if (pid < 0) failure = {LaunchStep::fork, errno};
  if (failure.step == LaunchStep::none) return pid;
  if (pid > 0) ::waitpid(pid, nullptr, 0);  // it has exited, or is about to
  return 0;
}

}  // namespace fairlead::host
