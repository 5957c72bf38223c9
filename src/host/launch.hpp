// Becoming another program: the step between us and a child. Its caller waits for the child (SIGCHLD,
// waitpid).
#pragma once
#include <sys/types.h>

namespace fairlead::host {

struct Launch {
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* folder = nullptr;
  int in = -1, out = -1, err = -1;  // above 2; the child has them as 0, 1, 2 and nothing else
};

// The steps that can fail.
enum class LaunchStep : unsigned char { none, fork, enter_folder, descriptors, execute };

struct LaunchFailure {
  LaunchStep step = LaunchStep::none;
  int error = 0;  // errno
};

// The pid of the child, which runs the program by then; or 0, and `failure` says why. The child has a session
// and a group of its own, default signals, at most 1024 descriptors (select(2) knows no more; it may raise
// that again), and is killed when its parent dies.
pid_t launch(const Launch& what, LaunchFailure& failure);

}  // namespace fairlead::host
