// A worker's right to own tasks: registers it in the store, renews the lease at a third of its length, and
// knows on CLOCK_BOOTTIME until when it holds. Owned by Worker; loop thread only. Of the events only `lapsed`
// may be called from inside a call of the Lease (refused).
//
// A new process takes the name over at once, as what had it before is most likely dead. One that had it and
// finds it taken waits until its lease ends: two daemons under one name would oust each other without end,
// and every task that they touch would lose its worker twice.
//
// The end of the lease is reckoned from the moment that a beat was *sent*, and with a margin: so it ends here
// before it ends in the store, whatever the answer took.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "base/log.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

namespace fairlead::worker {

class Lease {
 public:
  enum class State : std::uint8_t {
    none,         // not begun, or given back
    registering,  // asked, or about to ask again
    live,
    lapsed,  // it was not renewed in time: what was owned is lost; registers again
  };
  struct Events {
    std::function<std::vector<core::Started>()> keeps;      // for TaskStore::register_worker
    std::function<void()> live;                             // a new incarnation is registered
    std::function<void(const core::BeatOutcome&)> renewed;  // until() has moved
    std::function<void()> ending;                           // not renewed for long: time to stop tasks gently
    std::function<void()> lapsed;
  };
  Lease(loop::Loop& loop, base::Log& log, core::TaskStore& store, core::WorkerInfo info, base::Millis length,
        Events events);

  void begin();
  void retry_now();  // the store is back
  void refused();    // the store says that this incarnation owns nothing any more
  void beat_now();   // orders may wait for us
  // The answer to a claim was lost: the store may hold that we own what we have never heard of. A new
  // incarnation, with what is really at work, settles it.
  void register_anew();
  void end();  // forgets it; TaskStore::leave is the caller's

  State state() const { return state_; }
  // Under key(), and no other incarnation is about to take its place.
  bool is_live() const { return state_ == State::live && !anew_; }
  const core::WorkerKey& key() const { return key_; }  // of the last incarnation
  base::BootTime until() const { return until_; }      // children must be gone by then
  // What the store is told of this worker from the next registration on; where the offer is another, that is
  // now.
  void set_info(core::WorkerInfo info, base::Millis length);

 private:
  void enter(State next);
  void register_now();
  void look_for_other();
  void send_registration();
  void on_registered(base::Result<core::WorkerKey> key, base::BootTime sent);
  void beat();
  void on_beat(base::Result<core::BeatOutcome> outcome, base::BootTime sent);
  void hold_until(base::BootTime sent);
  void on_time();

  base::Log& log_;
  core::TaskStore& store_;
  core::WorkerInfo info_;
  base::Millis length_;
  Events events_;
  State state_ = State::none;
  core::WorkerKey key_;
  base::BootTime until_;
  bool beating_ = false;  // a beat or a registration is under way
  bool anew_ = false;     // live, and to be registered again all the same
  bool ousted_ = false;   // it ended while it was live: somebody else may have this name now
  bool told_ousted_ = false;
  bool told_ending_ = false;
  loop::Timer beat_timer_;   // registering: the next try; live: the next beat
  loop::Timer watch_timer_;  // live: the moment of `ending`, then the end
};
const char* to_string(Lease::State state);

}  // namespace fairlead::worker
