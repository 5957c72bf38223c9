#include "host/launch.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

namespace fairlead::host {

namespace {

void default_signals() {
  struct sigaction as_new{};
  as_new.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &as_new, nullptr);
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

// In the child, on the parent's memory: only system calls here, and `failure` is all that is written.
[[noreturn]] void become(const Launch& what, pid_t parent, LaunchFailure& failure) {
  const auto fail = [&](LaunchStep step) {
    failure = {step, errno};
    ::_exit(127);
  };
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  if (::chdir(what.folder) != 0) fail(LaunchStep::enter_folder);
  if (::dup2(what.in, 0) < 0 || ::dup2(what.out, 1) < 0 || ::dup2(what.err, 2) < 0)
    fail(LaunchStep::descriptors);
  if (::close_range(3, UINT_MAX, 0) != 0) fail(LaunchStep::descriptors);
  usual_descriptor_limit();
  default_signals();
  ::execve(what.path, what.argv, what.environment);
  fail(LaunchStep::execute);
  ::_exit(127);
}

}  // namespace

pid_t launch(const Launch& what, LaunchFailure& failure) {
  const pid_t parent = ::getpid();
  // Not fork(): nothing is copied for a process that at once becomes another, and since the memory is shared
  // and we wait, the child says what went wrong by writing it down. posix_spawn(3) lacks half of what
  // become() does.
  const pid_t pid = ::vfork();  // NOLINT: on purpose
  if (pid == 0)
    become(what, parent, failure);  // NOLINT(clang-analyzer-unix.Vfork): it makes system calls alone
  if (pid < 0) failure = {LaunchStep::fork, errno};
  if (failure.step == LaunchStep::none) return pid;
  if (pid > 0) ::waitpid(pid, nullptr, 0);  // it has exited, or is about to
  return 0;
}

}  // namespace fairlead::host
