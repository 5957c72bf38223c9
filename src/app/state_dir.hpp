// The state directory: STATE_DIR, what the daemon remembers across restarts. Owned by the daemon; loop thread
// only; what is written while running is written on the thread pool.
//
//   format      "1": the layout of this folder. A newer one is refused; nothing but the lock is touched.
//   lock        held by flock(2) while a daemon runs, with its PID for people. The lock goes with the
//   process:
//               a file that a dead daemon left behind does no harm.
//   down.json   {"format":1,"down":["attic"]}: tunnels that were put down by hand
//   audit/      the audit log's, see audit/audit_log.hpp
//
// A damaged down.json is put aside as down.json.damaged and counts as empty: holding lines is what this
// daemon is for, and a line that comes up again is seen, while one that stays down is missed. damage() tells.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"

namespace fairlead::app {

class StateDir {
 public:
  // Blocking, at start. Makes the folder (0700; 0750 in system mode) when it is missing. Errors:
  //   conflict     another daemon holds the lock; the message has its PID
  //   forbidden    the folder is another user's, or others can write to it: whoever can exchange files in it
  //                can forge the audit log and bring tunnels up or down. A sticky bit does not help: others
  //                could still put a file of ours there first.
  //   unsupported  the folder's format is newer than this program
  //   io           it cannot be read or written
  static base::Result<std::unique_ptr<StateDir>> open(loop::Loop& loop, base::Log& log,
                                                      const std::string& path, bool system_mode);
  ~StateDir();
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;

  const std::string& path() const { return path_; }
  std::string audit_folder() const;
  const std::string& damage() const {
    return damage_;
  }  // empty, or what was put aside at start: for the audit

  bool is_down(const std::string& tunnel) const { return down_.contains(tunnel); }
  const std::set<std::string>& down() const { return down_; }
  // On disk soon after, atomically; the latest wins. A write that fails is tried again; error() says why.
  void set_down(const std::string& tunnel, bool down);
  const std::string& error() const { return error_; }
  bool saved() const { return !work_ && !stale_; }  // what down() says is on disk

  using Done = std::function<void(base::Result<>)>;
  // `done` is called once, later: success when all is on disk, the error of the first attempt that fails, or
  // timed_out. May destroy the StateDir. One flush at a time.
  void flush(base::Millis deadline, Done done);

 private:
  StateDir(loop::Loop& loop, base::Log& log, std::string path, base::UniqueFd lock);
  base::Result<> read_down();
  void pump();
  void on_saved(const base::Result<>& result);
  void finish_flush(base::Result<> result);
  std::string render() const;

  loop::Loop& loop_;
  base::Log& log_;
  const std::string path_;
  const base::UniqueFd lock_;
  std::string damage_;
  std::set<std::string> down_;
  bool stale_ = false;  // down_ is newer than what was last handed to the disk
  std::string error_;
  std::unique_ptr<loop::Work> work_;
  Done flush_done_;
  bool attempt_counts_ = false;  // the write under way began after flush()
  loop::Deferred pump_;
  loop::Timer retry_timer_;
  loop::Timer flush_timer_;
};

}  // namespace fairlead::app
