// Messages for people, as the parts that have something to say see them. notify/ sends them; app/ owns it.
// Loop thread only.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fairlead::core {

enum class Severity : std::uint8_t { info, low, high, critical };
std::string_view to_string(Severity severity);
std::optional<Severity> parse_severity(std::string_view text);

struct Notice {
  std::string event;    // what it is about: "tunnel_degraded", "tunnel_recovered", "hook_quarantined", …
  std::string subject;  // the tunnel, hook or flow concerned; may be empty
  Severity severity = Severity::info;
  std::string title;  // one line
  std::string text;   // a few lines, plain text
  base::WallTime at;
  std::vector<std::string> senders;  // names; empty: those whose `events` and `severity` match
};

class NotifyPort {
 public:
  virtual ~NotifyPort() = default;
  // Never blocks. The `notification` transform runs first, then every chosen sender gets it, each with its
  // own retries; what cannot be delivered ends in the dead letter list.
  virtual void notify(Notice notice) = 0;
};

}  // namespace fairlead::core
