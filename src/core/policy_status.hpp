// How the hooks stand: a snapshot, made on request, rendered by api/.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/events.hpp"
#include "core/journal.hpp"

namespace fairlead::core {

struct HookStatus {
  HookEvent event = HookEvent::every;
  std::string name, file;
  int line = 0;
  bool standard = false;  // shipped with fairlead
  base::Millis every{0};  // of flows
  int strikes = 0;
  bool quarantined = false;
  std::uint64_t failures = 0;
};

struct EventCount {
  HookEvent event = HookEvent::every;
  std::uint64_t asked = 0;
  std::uint64_t given = 0;     // a hook had a verdict
  std::uint64_t troubled = 0;  // the safe default held
  std::uint64_t refused = 0;   // by a guardrail
};

struct PolicyStatus {
  std::uint64_t generation = 0;  // 0: none was loaded yet
  std::string folder;
  base::WallTime loaded_at;
  std::string last_error;  // why the last reload kept this generation; empty: it did not
  std::vector<HookStatus> hooks;
  std::vector<std::string> switched_off;
  std::vector<std::string> sandbox, sandbox_missing;
  int pid = 0;                     // 0: no process is needed, or it is being started
  std::uint64_t restarts = 0;      // of this generation's process, because it was late or crashed
  std::size_t flows = 0;           // under way
  std::vector<EventCount> counts;  // of events that were asked
  JournalStatus journal;
};

}  // namespace fairlead::core
