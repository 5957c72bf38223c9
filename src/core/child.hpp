// Child processes, as the parts that need one see them. The one implementation is exec/ (the daemon's side of
// `fairlead-host spawner`); app/ owns it. Loop thread only.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fairlead::core {

// Resource limits of each process of the child's tree, setrlimit(2); 0: not set. A value that the daemon
// itself may not have is lowered to what it may.
struct ChildLimits {
  std::uint64_t cpu_seconds = 0;
  std::uint64_t address_space = 0;  // bytes
  std::uint64_t file_size = 0;      // bytes, of each file
  std::uint64_t open_files = 0;
  std::uint64_t processes = 0;  // of the user, not of the tree; root is not held by it
  bool operator==(const ChildLimits&) const = default;
};

// What is taken from a child's tree before its program starts. What each step does: docs/spawner.md.
enum class SandboxKind : std::uint8_t {
  none,    // no_new_privs alone, as every child
  basic,   // and no system call that reaches into the kernel, other processes or namespaces (seccomp)
  strict,  // and no writing but in the folders named, no signal to the outside (Landlock)
};
struct SandboxWish {
  SandboxKind kind = SandboxKind::none;
  bool network = true;                // false, but for `none`: no socket but UNIX ones
  bool folder_writable = false;       // strict: the working folder is writable, too
  std::vector<std::string> writable;  // strict: absolute paths of folders and files that exist, at most 64
  bool required = false;              // a child that cannot have all of it does not start (Code::unsupported)
  bool operator==(const SandboxWish&) const = default;
};

// What the tree really has.
struct SandboxLevel {
  bool no_new_privs = false;
  bool seccomp = false;
  int landlock = 0;  // the version (ABI) of the rules in force; 0: none
  bool network_off = false;
  std::string text() const;  // "no_new_privs, seccomp, landlock 5, no network"; "none"
  bool operator==(const SandboxLevel&) const = default;
};

// What of the wish was not had, in the words of text(); empty when all was.
std::vector<std::string> missing(const SandboxWish& wish, const SandboxLevel& level);

struct ChildSpec {
  std::vector<std::string> argv;  // argv[0]: absolute path of the program, unless `program` says it
  // Absolute path of the program, when argv[0] is to be another name. A script with `#!` sees neither: the
  // kernel gives it the descriptor's path when `sha256` is set, and else this one.
  std::string program;
  // 64 lower-case hexadecimal digits, or empty. The program is opened once, must have this SHA-256
  // (Code::forbidden), and what was hashed is what runs, whatever becomes of the file meanwhile.
  std::string sha256;
  std::vector<std::pair<std::string, std::string>> environment;  // all of it: nothing is inherited
  std::string folder = "/";                                      // absolute
  std::string input;                                             // stdin, at most 1 MiB; then end of file
  // Names for the environment, or empty: the path of a file (0600) that holds the input, which is then not on
  // stdin; the path of a fresh private folder (0700), where that file lies. It is made in `private_in` and
  // goes, with all that is in it, when the tree has ended.
  std::string input_file, private_folder;
  std::string private_in = "/tmp";
  ChildLimits limits;
  SandboxWish sandbox;
  base::Millis timeout{30'000};         // > 0; then the whole tree is ended
  base::Millis grace{2'000};            // from TERM to KILL, >= 0
  std::size_t output_head = 16u << 10;  // bytes kept of the beginning of stdout and of stderr, each
  std::size_t output_tail = 16u << 10;  // … and of the end
  bool live_output = false;             // set by SpawnPort::start() when somebody listens
  // When this passes the tree is killed, without TERM: it must not work past its right, and this holds while
  // the daemon is stopped, too. Whoever sees in time that it cannot renew calls end() before.
  std::optional<base::BootTime> lease_until;

  const std::string& path() const { return program.empty() ? argv[0] : program; }
};

struct ChildOutput {
  std::string head, tail;   // tail is empty while all fits into the head; bytes as they came
  std::uint64_t total = 0;  // bytes the child wrote
  bool truncated() const { return total > head.size() + tail.size(); }
};

enum class ChildEnd : std::uint8_t {
  exited,     // by itself, with `status`
  signalled,  // by a signal that was not ours: `status` is its number
  timed_out,  // ended because `timeout` passed
  killed,     // ended on request, or because its lease passed
};

struct ChildResult {
  ChildEnd end = ChildEnd::exited;
  int status = 0;
  ChildOutput out, err;
  SandboxLevel level;
  base::Millis duration{0};
  bool clean() const { return end == ChildEnd::exited && status == 0; }
};

// What a child has just written to one of its streams. Bounded: 64 KiB a second and 1 MiB in all for both
// streams together; what comes above that is left out here, and here alone.
struct ChildPiece {
  bool is_err = false;
  std::string bytes;
  bool cut = false;  // something is left out after these bytes
};

// One child under way; destroying it ends the child's whole tree, and `done` is not called afterwards.
class ChildCall {
 public:
  virtual ~ChildCall() = default;
  // TERM, after the grace KILL. `done` is called with ChildEnd::killed, or with how it ended before.
  virtual void end() {}
  // Moves the lease that the spec has given, and does nothing without one.
  virtual void renew_lease(base::BootTime) {}
};

class SpawnPort {
 public:
  virtual ~SpawnPort() = default;
  // `done` is called once, later, when nothing of the child's tree is left: with its result, or with why it
  // could not be started (not_found, io, bad_request; forbidden: it has another SHA-256; too_large: that
  // cannot be made sure of; unsupported: nor can the sandbox) or is not known to have ended (unavailable: the
  // spawner is gone, and has taken its children along). It may destroy the call.
  using Done = std::function<void(base::Result<ChildResult>)>;
  // Called from the loop while the child runs, at most some 20 times a second, and not after `done`. It may
  // destroy the call.
  using OnOutput = std::function<void(const ChildPiece&)>;
  virtual std::unique_ptr<ChildCall> start(ChildSpec spec, Done done, OnOutput on_output = {}) = 0;
};

}  // namespace fairlead::core
