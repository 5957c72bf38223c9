// The guard: one small process between the spawner and each child. It is a fork of the spawner, starts the
// child, and as a subreaper inherits every process of the child's tree whose own parent has died, so that a
// daemonized grandchild still belongs to the child it came from. It ends the tree, and ends itself when
// nothing of it is left. docs/adr/0009 says why there is one. Life of a tree: docs/spawner.md.
#pragma once
#include <sys/types.h>

#include <cstdint>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "core/child.hpp"
#include "host/launch.hpp"

namespace fairlead::host {

// What the spawner says to a guard, one byte each. The end of the socket means kill: nobody is left to report
// to.
enum class GuardOrder : char { end = 'e', kill = 'k' };

// What a guard says to the spawner, in this order: started or failed, then root_ended. Then it exits with 0.
struct GuardNote {
  enum class Kind : std::uint8_t { started, failed, root_ended };
  Kind kind = Kind::started;
  LaunchStep step = LaunchStep::none;  // failed
  std::int32_t value = 0;              // the root's pid; errno; what waitpid(2) said of the root
};

struct Guard {
  pid_t pid = 0;
  base::UniqueFd pidfd;    // readable when it has exited
  base::UniqueFd control;  // SOCK_SEQPACKET: orders to it, notes from it
};

// Forks the guard, which starts the child with these descriptors (they stay the caller's).
base::Result<Guard> start_guard(const core::ChildSpec& spec, int in, int out, int err);

}  // namespace fairlead::host
