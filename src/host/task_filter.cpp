#include "host/task_filter.hpp"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/seccomp_filter.hpp"

namespace fairlead::host {

namespace {

constexpr std::uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);

constexpr int kRefused[] = {
    // file systems and roots
    SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(mount_setattr), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(pivot_root),
    SCMP_SYS(chroot), SCMP_SYS(open_by_handle_at), SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd),
    SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(fanotify_init),
    // other processes
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
    SCMP_SYS(process_madvise), SCMP_SYS(kcmp), SCMP_SYS(setns),
    // the kernel
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(iopl),
    SCMP_SYS(ioperm), SCMP_SYS(syslog), SCMP_SYS(lookup_dcookie), SCMP_SYS(vhangup),
    // keys, and what belongs to the whole machine
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(reboot), SCMP_SYS(acct),
    SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(settimeofday), SCMP_SYS(stime),
    SCMP_SYS(clock_settime), SCMP_SYS(clock_settime64), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_adjtime64)};

constexpr std::uint64_t kNamespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                         CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
constexpr std::uint64_t kTimeNamespace = 0x80;  // CLONE_NEWTIME; with clone(2) these bits are a signal

void add_conditional(SeccompFilter& filter) {
  for (const auto flag : kNamespaces) {
    filter.add(kRefuse, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)});
    filter.add(kRefuse, SCMP_SYS(unshare), {SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)});
  }
  filter.add(kRefuse, SCMP_SYS(unshare), {SCMP_A0(SCMP_CMP_MASKED_EQ, kTimeNamespace, kTimeNamespace)});
  // Its flags are in memory, where a filter cannot look. The C library takes this for an old kernel and goes
  // on with clone(2).
  filter.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  for (const std::uint64_t device : {S_IFCHR, S_IFBLK}) {
    filter.add(kRefuse, SCMP_SYS(mknod), {SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, device)});
    filter.add(kRefuse, SCMP_SYS(mknodat), {SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, device)});
  }
  // Typing into a terminal. The kernel looks at 32 bits of the argument, and so do we.
  filter.add(kRefuse, SCMP_SYS(ioctl), {SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCSTI)});
}

std::vector<sock_filter> make_program(bool network) {
  SeccompFilter filter(SCMP_ACT_ALLOW);
  for (const int call : kRefused) filter.add(kRefuse, call);
  add_conditional(filter);
  if (!network) filter.add(kRefuse, SCMP_SYS(socket), {SCMP_A0(SCMP_CMP_NE, AF_UNIX)});
  return filter.program();
}

struct TaskFilter {
  explicit TaskFilter(bool network)
      : steps(make_program(network)), program{static_cast<unsigned short>(steps.size()), steps.data()} {}
  std::vector<sock_filter> steps;
  sock_fprog program;
};

}  // namespace

const sock_fprog* task_filter(bool network) {
  static TaskFilter filters[] = {TaskFilter(false), TaskFilter(true)};
  const auto& program = filters[network ? 1 : 0].program;
  return program.len > 0 ? &program : nullptr;
}

}  // namespace fairlead::host
