// Every key of the configuration file, once: its type, range, default and meaning. The reader takes ranges
// and choices from here, docs/configuration.md shows these tables (a test compares the two). Constant, pure.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace fairlead::config {

enum class Type : std::uint8_t {
  text,
  path,
  boolean,
  integer,
  duration,  // `5s 2m 1h`, or a number of seconds; NAME_seconds is a second spelling
  size,      // `64KiB 1MiB`, or a number of bytes
  choice,
  endpoint,  // [host:]port
  identity,  // a number, or the name of a user or group of this machine
  map,
  list,
};

struct Key {
  std::string_view name;
  Type type = Type::text;
  std::string_view fallback;       // as documentation shows it; empty: none
  std::int64_t low = 0, high = 0;  // integer; for a duration in milliseconds, for a size in bytes
  std::string_view choices;        // "strict|accept-new"
  std::string_view meaning;
};

struct Section {
  std::string_view name;  // "a tunnel": as messages and the documentation name it
  std::span<const Key> keys;

  const Key* find(std::string_view key) const;  // null: no such key
};

extern const Section kFileSection, kLogSection, kApiSection, kRoleSection, kActorSection, kTunnelSection,
    kForwardSection, kHealthCheckSection, kReconnectSection, kKeepaliveSection, kNotifySection,
    kSenderSection, kSenderRetrySection, kPolicySection, kDeadlinesSection, kAllowSection, kJournalSection,
    kQueueSection, kWorkerSection, kExecutorsSection, kScriptSection, kProgramSection, kInlineSection,
    kLimitsSection;
std::span<const Section* const> all_sections();  // in the order of the documentation

}  // namespace fairlead::config
