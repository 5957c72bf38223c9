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

struct ChildSpec {
  std::vector<std::string> argv;  // argv[0]: absolute path of the program; no shell is involved
  std::vector<std::pair<std::string, std::string>> environment;  // all of it: nothing is inherited
  std::string folder = "/";                                      // absolute
  std::string input;                                             // stdin, at most 1 MiB; then end of file
  base::Millis timeout{30'000};                                  // > 0; then the whole tree is ended
  base::Millis grace{2'000};                                     // from TERM to KILL, >= 0
  std::size_t output_head = 16u << 10;  // bytes kept of the beginning of stdout and of stderr, each
  std::size_t output_tail = 16u << 10;  // … and of the end
  // When this passes the tree is killed, without TERM: it must not work past its right, and this holds while
  // the daemon is stopped, too. Whoever sees in time that it cannot renew calls end() before.
  std::optional<base::BootTime> lease_until;
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
  base::Millis duration{0};
  bool clean() const { return end == ChildEnd::exited && status == 0; }
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
  // could not be started (not_found, io, bad_request) or is not known to have ended (unavailable: the spawner
  // is gone, and has taken its children along). It may destroy the call.
  using Done = std::function<void(base::Result<ChildResult>)>;
  virtual std::unique_ptr<ChildCall> start(ChildSpec spec, Done done) = 0;
};

}  // namespace fairlead::core
