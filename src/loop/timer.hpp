// A timer. Resolution is a millisecond; restarting one that runs replaces it.
#pragma once
#include <functional>

#include "base/clock.hpp"

namespace fairlead::loop {

class Loop;

class Timer {
 public:
  // `function` may destroy the Timer.
  Timer(Loop& loop, const char* name, std::function<void()> function);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(base::Millis after);
  void start_repeating(base::Millis every);
  // Repeats at the loop's whole multiples of `every`: all timers with the same period share one wake-up,
  // also after the loop was late.
  void start_aligned(base::Millis every);
  void stop();
  bool active() const;
  base::Millis remaining() const;  // zero when not active

 private:
  struct State;
  State* state_;
};

}  // namespace fairlead::loop
