// The guard: one small process between the spawner and each child. It is a fork of the spawner, starts the
// child, and as a subreaper inherits every process of the child's tree whose own parent has died, so that a
// daemonized grandchild still belongs to the child it came from. It ends the tree, and ends itself when
// nothing of it is left. docs/adr/0009 says why there is one. Life of a tree: docs/spawner.md.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "core/child.hpp"
#include "core/spawn_protocol.hpp"
#include "host/launch.hpp"

namespace fairlead::host {

// What the spawner says to a guard, one byte each. The end of the socket means kill: nobody is left to report
// to.
enum class GuardOrder : char { end = 'e', kill = 'k' };

// What a guard says to the spawner, in this order: started, refused or failed, then root_ended. Then it exits
// with 0, with or without a note: one that is told to end before the child has started says nothing.
struct GuardNote {
  enum class Kind : std::uint8_t { started, refused, failed, root_ended };
  Kind kind = Kind::started;
  LaunchStep step = LaunchStep::none;  // failed
  std::int32_t value = 0;    // the root's pid; a base::Code; errno; what waitpid(2) said of the root
  core::SandboxLevel level;  // started
};  // refused: the message follows it in the packet
constexpr std::size_t kMaxGuardMessage = 3 * core::kMaxChildPath;

struct Guard {
  pid_t pid = 0;
  base::UniqueFd pidfd;    // readable when it has exited
  base::UniqueFd control;  // SOCK_SEQPACKET: orders to it, notes from it
};

// Forks the guard, which starts the child with these descriptors (they stay the caller's). It takes
// `private_folder` (empty: there is none) away when the tree has ended.
base::Result<Guard> start_guard(const core::ChildSpec& spec, const std::string& private_folder, int in,
                                int out, int err);

}  // namespace fairlead::host
