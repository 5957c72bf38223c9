// The system calls that a sandboxed child is refused. A list of what is denied, because ordinary programs (a
// shell, Python, git, curl, tar) have to run: what is on it reaches into the kernel, into other processes or
// into namespaces, and most of it wants privileges anyhow. EPERM is what a program without them expects.
#pragma once
#include <linux/filter.h>

namespace fairlead::host {

// For prctl(PR_SET_SECCOMP); made once in the process and kept, so call it before a fork. Null when it cannot
// be made. Without `network` no socket is had but UNIX ones. Programs of another architecture than the
// machine's own (32 bits) are ended by SIGSYS: their calls have other numbers.
const sock_fprog* task_filter(bool network);

}  // namespace fairlead::host
