// How often something may be written about a hook: what is beyond the allowance of a minute is only counted,
// and told as one number when the minute ends. So a hook that goes round and round fills no disk, and what it
// did is not hidden either. Owned by whoever writes; loop thread only.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

namespace fairlead::policy {

class LineBudget {
 public:
  // Lines that are alike in all of it share an allowance.
  struct Key {
    std::string event, hook, what;  // "hook_effect", "disk", "emit"; the last may be empty
    auto operator<=>(const Key&) const = default;
  };
  // How many lines were not written. Must not call take().
  using Tell = std::function<void(const Key& key, std::uint64_t more)>;
  static constexpr base::Millis kMinute{60'000};

  // `loop` outlives it. The first line after a minute's end begins the next one.
  LineBudget(loop::Loop& loop, Tell tell, base::Millis minute = kMinute);

  // Whether the line may be written: the first `most` of the minute may.
  bool take(const Key& key, std::uint64_t most);
  // Tells what was counted now: when nothing is written any more.
  void end();

 private:
  struct Count {
    std::uint64_t written = 0, beyond = 0;
  };
  Tell tell_;
  base::Millis minute_;
  std::map<Key, Count> counts_;
  loop::Timer timer_;
};

}  // namespace fairlead::policy
