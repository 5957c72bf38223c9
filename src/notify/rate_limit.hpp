// How many messages may leave: a token bucket of `burst` tokens that fills at `per_hour`. Pure; asked with
// the time.
#pragma once
#include <algorithm>

#include "base/clock.hpp"

namespace fairlead::notify {

class RateLimit {
 public:
  // Both at least 1. Starts full.
  RateLimit(int per_hour, int burst, base::SteadyTime now)
      : per_token_(base::Millis(3'600'000) / per_hour), burst_(burst), full_at_(now) {}

  // Takes a token if there is one.
  bool take(base::SteadyTime now) {
    if (wait(now) > base::Millis(0)) return false;
    full_at_ = std::max(full_at_, now) + per_token_;
    return true;
  }
  // Until there is a token; zero: now.
  base::Millis wait(base::SteadyTime now) const {
    const auto ready = full_at_ - per_token_ * (burst_ - 1);
    return ready <= now ? base::Millis(0) : std::chrono::ceil<base::Millis>(ready - now);
  }
  // Other figures; what was taken before still counts.
  void change(int per_hour, int burst) {
    per_token_ = base::Millis(3'600'000) / per_hour;
    burst_ = burst;
  }

 private:
  base::Millis per_token_;
  int burst_;
  base::SteadyTime full_at_;  // when the bucket is full if nothing more is taken
};

}  // namespace fairlead::notify
