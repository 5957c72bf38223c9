// The `policy` section of the configuration: where hooks are, how long they may take, what their flows may
// do. Pure.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/events.hpp"

namespace fairlead::core {

struct PolicyAllow {
  std::vector<std::string> commands;  // absolute paths
  std::vector<std::string> hosts;     // "host", "host:port" or "*.domain"
  std::vector<std::string> tunnels;   // names, or "*"
  bool operator==(const PolicyAllow&) const = default;
};

struct PolicySettings {
  std::string folder;                   // absolute; may be missing on disk: no hooks of the operator's
  base::Millis deadline{20};            // 1 ms .. 10 s, of a decision
  std::vector<base::Millis> deadlines;  // by event; zero or absent: `deadline`
  PolicyAllow allow;
  base::Millis journal_age{30LL * 24 * 3600 * 1000};  // 0: no journal
  std::size_t journal_bytes = 64u << 20;
  bool operator==(const PolicySettings&) const = default;
};

// Whether a flow may do it. `url`: checked by scheme, host and port; `program`: argv[0].
bool allows_command(const PolicyAllow& allow, std::string_view program);
bool allows_url(const PolicyAllow& allow, std::string_view url);
bool allows_tunnel(const PolicyAllow& allow, std::string_view name);

}  // namespace fairlead::core
