// The event loop: one per process, one thread. Owns nothing but the uv loop and the book of what is open on
// it.
//
// Rules that every class in this folder keeps:
// - Handles are heap-backed and named. A destructor forgets the callback and starts uv_close; the close
// callback
//   frees. So an owner may be destroyed inside its own callback.
// - Callbacks are not called from inside the call that started the work, and never after the owner is gone.
// - `Loop` counts open handles by name, so that a leak at shutdown has a name.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

using uv_loop_t = struct uv_loop_s;

namespace fairlead::loop {

class Deferred;

class Loop {
 public:
  Loop();
  // Precondition: drained. Open handles at this point abort the process with their names on stderr.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // returns after stop(), or when nothing is left that could wake it
  void stop();  // from a callback
  // Runs until every counted handle and request is closed; Error{timed_out} names the survivors.
  base::Result<> drain(base::Millis deadline);

  base::SteadyTime now() const;  // the loop's cached time, millisecond resolution; cheap

  // Told when a single callback ran longer than `limit`: (name of the handle, how long).
  using StallReport = std::function<void(const char* name, base::Millis took)>;
  void watch_stalls(base::Millis limit, StallReport report);

  std::map<std::string, int> open_handles() const;
  std::uint64_t turns() const { return turns_; }  // wake-ups since the start

  // For the classes of this folder.
  uv_loop_t* raw() { return loop_.get(); }
  void opened(const char* name) { ++open_[name]; }
  void closed(const char* name);
  template <typename Function>
  void call(const char* name, Function&& function) noexcept {
    if (!stall_report_) return function();
    const auto start = base::steady_now();
    function();
    report_stall(name, start);
  }

 private:
  friend class Deferred;
  struct Plumbing;
  void enqueue(Deferred* deferred);
  void forget(Deferred* deferred);
  void run_deferred();
  void report_stall(const char* name, base::SteadyTime start) noexcept;

  std::unique_ptr<uv_loop_t> loop_;
  std::unique_ptr<Plumbing> plumbing_;
  std::map<std::string, int> open_;
  std::vector<Deferred*> ready_, running_;
  base::Millis stall_limit_{0};
  StallReport stall_report_;
  std::uint64_t turns_ = 0;
};

// Runs a function once, soon: after the current round of I/O callbacks, never from inside schedule().
// Scheduling twice before it ran runs it once. This is how completions leave the call that caused them, and
// how a pump coalesces events.
class Deferred {
 public:
  Deferred(Loop& loop, const char* name, std::function<void()> function);
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  void schedule();
  void cancel();
  bool scheduled() const { return scheduled_; }

 private:
  friend class Loop;
  Loop& loop_;
  const char* name_;
  std::function<void()> function_;
  bool scheduled_ = false;
};

// Ends the threads that blocking work ran on. Once, at the end of a process, after its last loop is gone: a
// thread that is still there when libcrypto's exit handlers run could not free what it holds of it.
void end_threads();

}  // namespace fairlead::loop
