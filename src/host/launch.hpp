// Becoming another program: the step between us and a child. Its caller waits for the child (SIGCHLD,
// waitpid).
#pragma once
#include <linux/filter.h>
#include <sys/types.h>

#include <csignal>

#include "core/child.hpp"

namespace fairlead::host {

struct Launch {
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* folder = nullptr;
  int in = -1, out = -1, err = -1;  // above 2; the child has them as 0, 1, 2 and nothing else
  int program = -1;                 // what is executed, when that is not `path`
  bool is_script = false;           // … and it stays open as kScriptFd, for its interpreter
  core::ChildLimits limits;
  int rules = -1;                      // of Landlock; -1: none
  const sock_fprog* filter = nullptr;  // of system calls; null: none
  bool sandbox_required = false;       // then a step of the sandbox that fails is a failure, too
};

constexpr int kScriptFd = 3;

// What the spawner, and so each of its forks, ignores, and nothing else: execve(2) keeps that, and gives back
// every handler by itself.
constexpr int kIgnoredSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE};

// The steps that can fail.
enum class LaunchStep : unsigned char { none, fork, enter_folder, descriptors, limits, sandbox, execute };

struct LaunchFailure {
  LaunchStep step = LaunchStep::none;
  int error = 0;  // errno
};

// What of the sandbox was had.
struct LaunchLevel {
  bool no_new_privs = false;
  bool rules = false;
  bool filter = false;
};

// The pid of the child, which runs the program by then; or 0, and `failure` says why. The child has a session
// and a group of its own, default signals, at most 1024 descriptors (select(2) knows no more; it may raise
// that again), and is killed when its parent dies.
pid_t launch(const Launch& what, LaunchFailure& failure, LaunchLevel& level);

}  // namespace fairlead::host
