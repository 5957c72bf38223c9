// What the notifications show of themselves: a snapshot, made on request, rendered by api/. Names no secret.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/notify_settings.hpp"

namespace fairlead::core {

struct SenderStatus {
  std::string name;
  SenderType type = SenderType::webhook;
  std::uint64_t delivered =
      0;                      // messages; all counts since the daemon's start, or since the sender was added
  std::uint64_t retried = 0;  // attempts that failed and were made again
  std::uint64_t dead = 0;     // messages given up
  std::uint64_t held_back = 0;                  // messages that the rate limit folded into a summary
  std::size_t queued = 0;                       // waiting or under way
  std::optional<base::Millis> next_attempt_in;  // the first in the queue waits after a failure
  std::optional<base::WallTime> last_delivered;
  std::string last_error;  // of the latest attempt; empty when that was delivered, or there was none
};

// A message that will not be sent any more.
struct DeadLetter {
  base::WallTime at;  // when it was given up
  std::string sender, event, subject, title;
  int attempts = 0;
  std::string reason;
};

struct NotifyStatus {
  std::vector<SenderStatus> senders;     // in name order
  std::vector<DeadLetter> dead_letters;  // the latest 100, oldest first
};

}  // namespace fairlead::core
