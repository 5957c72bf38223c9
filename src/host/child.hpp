// One child as the spawner sees it: its guard, its pipes, what it wrote, and when it must end. Owned by the
// Spawner, which watches the descriptors and says what is ready. No callbacks.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "core/spawn_protocol.hpp"
#include "host/guard.hpp"
#include "host/live_output.hpp"
#include "host/output_capture.hpp"

namespace fairlead::host {

class Child {
 public:
  // Starts it. Precondition: check_spec() has passed.
  static base::Result<std::unique_ptr<Child>> start(core::StartChild request);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  core::ChildId id() const { return id_; }
  pid_t guard() const { return guard_.pid; }

  // Descriptors to watch for reading: control_fd() from is_slow() until on_control(), output_fd() until
  // on_output() is false.
  int guard_fd() const { return guard_.pidfd.get(); }
  int control_fd() const { return guard_.control.get(); }
  int output_fd(std::size_t stream) const { return streams_[stream].pipe.get(); }  // 0: stdout, 1: stderr

  // Most children are short, and nobody waits to hear that they have begun. True once, when this one is not.
  bool is_slow(base::BootTime now);
  std::optional<base::BootTime> slow_at() const { return slow_at_; }
  // Takes the guard's first note, after which control_fd() needs no watching: later notes are read when they
  // matter.
  std::optional<core::ChildStarted> on_control();
  bool on_output(std::size_t stream);  // false: the stream has ended

  void end();                        // TERM, after the grace KILL
  void renew(base::BootTime until);  // nothing happens without a lease
  // What it wrote and somebody wants to see now; empty until live_due().
  std::optional<base::BootTime> live_due() const;
  std::vector<core::SpawnReport> take_live(base::BootTime now);
  // Ends it when its time is up; returns when to be asked again, and nothing when it is being ended for good.
  std::optional<base::BootTime> check_time(base::BootTime now);

  // After guard_fd() has become readable: takes the rest of the notes and of the output, and reaps the guard.
  // Nothing of the tree is left when it returns true; false when the guard was killed itself, so that
  // somebody else has to see to that.
  bool collect();
  core::SpawnReport report();  // once, after collect()

 private:
  struct Stream {
    base::UniqueFd pipe;
    OutputCapture capture;
  };
  Child(core::StartChild request, std::string private_folder, Guard guard, base::UniqueFd out,
        base::UniqueFd err);
  bool take_note();
  bool root_runs();
  void order(GuardOrder what);
  void keep(std::size_t stream, std::string_view bytes);
  void drain(std::size_t stream);
  core::ChildResult result();
  base::Error failure() const;

  core::ChildId id_;
  core::ChildSpec spec_;        // its input is dropped
  std::string private_folder_;  // empty: none
  Guard guard_;
  std::array<Stream, 2> streams_;
  std::optional<LiveOutput> live_;  // somebody wants to see it
  base::BootTime began_;
  std::optional<base::BootTime> slow_at_;
  std::optional<GuardNote> failed_, root_ended_;
  std::optional<base::Error> refused_;
  pid_t root_ = 0;                       // once it has started
  core::SandboxLevel level_;             // of that
  bool guard_lost_ = false;              // it was killed, so nobody has removed the private folder
  bool ending_ = false;                  // the guard was told to end it
  bool killing_ = false;                 // … or to kill it
  std::optional<core::ChildEnd> cause_;  // ours: why we ended it, while its root still ran
};

}  // namespace fairlead::host
