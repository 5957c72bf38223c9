#include "host/sandbox.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/landlock.hpp"
#include "host/seccomp_filter.hpp"

namespace fairlead::host {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::string because(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

bool limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  const rlimit both = {value, value};
  return ::setrlimit(resource, &both) == 0;
}

// Every right over files is taken, and none is given.
bool restrict_files() {
  if (landlock_version() == 0) return false;
  const auto rules = landlock_rules({kEveryFileRight, 0, 0});
  return rules.ok() && landlock_enter(rules->get());
}

// What a script's work needs, and nothing that opens, connects, starts or maps executable memory. Anything
// else ends the process at once.
bool restrict_calls() {
  constexpr int kAllowed[] = {SCMP_SYS(read),           SCMP_SYS(write),         SCMP_SYS(munmap),
                              SCMP_SYS(mremap),         SCMP_SYS(brk),           SCMP_SYS(madvise),
                              SCMP_SYS(futex),          SCMP_SYS(clock_gettime), SCMP_SYS(exit),
                              SCMP_SYS(exit_group),     SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
                              SCMP_SYS(rt_sigprocmask), SCMP_SYS(getpid),        SCMP_SYS(gettid),
                              SCMP_SYS(tgkill)};
  SeccompFilter filter(SCMP_ACT_KILL_PROCESS);
  for (const int call : kAllowed) filter.add(SCMP_ACT_ALLOW, call);
  filter.add(SCMP_ACT_ALLOW, SCMP_SYS(mmap), {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  return filter.load();
}

}  // namespace

Sandbox enter_sandbox(int last_fd, std::size_t address_space) {
  Sandbox sandbox;
  const auto note = [&](bool done, const char* name) {
    if (done)
      sandbox.level.emplace_back(name);
    else
      sandbox.missing.push_back(because(name));
  };
  ::close_range(static_cast<unsigned>(last_fd) + 1, ~0U, 0);
  (void)limit(RLIMIT_CORE, 0);
  (void)::prctl(PR_SET_DUMPABLE, 0);
  note(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  if (kSanitized) return sandbox;  // shadow memory needs the address space, and reports need files
  note(address_space == 0 || limit(RLIMIT_AS, address_space), "address_space");
  note(restrict_files(), "landlock");
  (void)limit(RLIMIT_NOFILE, 0);
  (void)limit(RLIMIT_NPROC, 0);
  note(restrict_calls(), "seccomp");
  return sandbox;
}

}  // namespace fairlead::host
