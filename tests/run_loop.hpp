// Running a loop in a test until something is true, for a time, or to its end.
#pragma once
#include <chrono>
#include <functional>

#include "base/clock.hpp"
#include "cmocka.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

constexpr fairlead::base::Millis kGenerous{90'000};  // only ends a hang, on a machine that may be very busy

// Runs the loop until `done`, or fails the test after a generous wait.
inline void run_until(fairlead::loop::Loop& loop, const std::function<bool()>& done, const char* what,
                      fairlead::base::Millis limit = kGenerous) {
  const auto end = fairlead::base::steady_now() + limit;
  fairlead::loop::Timer tick(loop, "test tick", [&] {
    if (done() || fairlead::base::steady_now() > end) loop.stop();
  });
  tick.start_repeating(fairlead::base::Millis(1));
  loop.run();
  tick.stop();
  if (!done()) fail_msg("never happened: %s", what);
}

inline void run_for(fairlead::loop::Loop& loop, fairlead::base::Millis time) {
  fairlead::loop::Timer over(loop, "test wait", [&] { loop.stop(); });
  over.start(time);
  loop.run();
}

inline void drain(fairlead::loop::Loop& loop) {
  if (const auto drained = loop.drain(kGenerous); !drained) fail_msg("%s", drained.error().message.c_str());
}
