#include "policy/line_budget.hpp"

#include <utility>

namespace fairlead::policy {

LineBudget::LineBudget(loop::Loop& loop, Tell tell, base::Millis minute)
    : tell_(std::move(tell)), minute_(minute), timer_(loop, "line-budget", [this] { end(); }) {}

bool LineBudget::take(const Key& key, std::uint64_t most) {
  if (!timer_.active()) timer_.start(minute_);
  Count& count = counts_[key];
  if (count.written >= most) {
    ++count.beyond;
    return false;
  }
  ++count.written;
  return true;
}

void LineBudget::end() {
  timer_.stop();
  for (const auto& [key, count] : std::exchange(counts_, {}))
    if (count.beyond > 0) tell_(key, count.beyond);
}

}  // namespace fairlead::policy
