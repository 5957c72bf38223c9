// When to try again. Pure: owns no timer and reads no clock; the caller asks and then waits.
#pragma once
#include <chrono>

#include "base/random.hpp"

namespace fairlead::core {

// Jittered exponential backoff ("full jitter": uniform in [initial, ceiling]).
// Ceilings: 2·initial, 4·initial … capped at `max`: the first wait too is jittered, as it is the one that all
// tunnels of a server that restarts draw at once. One object per tunnel.
class Backoff {
 public:
  // 0 < initial <= max: config loading has checked it.
  Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max);

  // The wait before attempt number `attempts() + 1`; counts that attempt.
  std::chrono::milliseconds next(base::Random& random);
  // For failures that time alone does not mend: the maximum, jittered by a tenth below; counts the attempt.
  std::chrono::milliseconds patient(base::Random& random);
  // Call after a minute of proven connection; the next wait starts small again.
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  std::chrono::milliseconds initial_, max_;
  int attempts_ = 0;
};

}  // namespace fairlead::core
