// Which decisions the journal keeps: at most so many a second of each event, with a count of the others; and
// the newest ones of each event in memory. Pure; owned by the journal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal.hpp"

namespace fairlead::core {

class DecisionSample {
 public:
  struct Limits {
    std::uint64_t per_second = 1'000;       // of each event
    std::size_t recent = 64;                // of each event, in memory
    std::size_t recent_bytes = 128u << 10;  // of each event; the newest one stays even when it is larger
  };

  explicit DecisionSample(Limits limits) : limits_(limits) {}

  // Nothing: this one is left out. Otherwise the number left out since the last one that was kept.
  std::optional<std::uint64_t> admit(std::string_view event, base::SteadyTime now);
  // `count` that were admitted could not be kept after all.
  void leave_out(std::string_view event, std::uint64_t count);

  void remember(DecisionPtr decision);
  // At most `per_event` of each event, in the order of their times.
  std::vector<DecisionPtr> recent(std::size_t per_event) const;

 private:
  struct Event {
    std::chrono::seconds second{-1};  // the one under way
    std::uint64_t in_second = 0;
    std::uint64_t left_out = 0;
    std::deque<DecisionPtr> recent;
    std::size_t recent_bytes = 0;
  };
  Event& event_named(std::string_view name);

  const Limits limits_;
  std::map<std::string, Event, std::less<>> events_;  // as many as the table of events has
};

// What a decision weighs in memory, about.
std::size_t weight_of(const Decision& decision);

}  // namespace fairlead::core
