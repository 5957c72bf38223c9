// One connection in a forward's count of those that are open: from being accepted to its last byte.
#pragma once
#include <utility>

#include "core/status.hpp"

namespace fairlead::ssh {

class ActiveCount {
 public:
  explicit ActiveCount(core::ForwardStatus& counters) : counters_(&counters) { ++counters.active; }
  ActiveCount(ActiveCount&& other) noexcept : counters_(std::exchange(other.counters_, nullptr)) {}
  ActiveCount& operator=(ActiveCount&&) = delete;
  ~ActiveCount() {
    if (counters_ != nullptr) --counters_->active;
  }

 private:
  core::ForwardStatus* counters_;  // outlives the connection
};

}  // namespace fairlead::ssh
