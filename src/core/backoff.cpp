#include "core/backoff.hpp"

#include <algorithm>

namespace fairlead::core {

Backoff::Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max)
    : initial_(initial), max_(max) {}

std::chrono::milliseconds Backoff::next(base::Random& random) {
  auto ceiling = initial_ * 2;
  for (int i = 0; i < attempts_ && ceiling < max_; ++i) ceiling *= 2;
  ++attempts_;
  return std::chrono::milliseconds(random.between(initial_.count(), std::min(ceiling, max_).count()));
}

std::chrono::milliseconds Backoff::patient(base::Random& random) {
  ++attempts_;
  return std::chrono::milliseconds(random.between(max_.count() - max_.count() / 10, max_.count()));
}

}  // namespace fairlead::core
