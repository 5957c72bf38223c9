// Times. Durations carry their unit in the type; wall time is only for people and audit lines.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::base {

using Millis = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

// CLOCK_BOOTTIME: never steps, and goes on while the machine sleeps. For rights that end by themselves
// (leases), and the same for all processes of the machine.
struct BootClock {
  using duration = Millis;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};
using BootTime = BootClock::time_point;

inline SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}
inline WallTime wall_now() {
  return std::chrono::system_clock::now();
}

// "2026-03-01T12:00:00.123Z", always UTC, always milliseconds.
std::string iso8601(WallTime time);
// The same back (RFC 3339): a date, "T", a time with or without a fraction, "Z" or an offset such as
// "+01:00". Fractions beyond milliseconds are dropped. Empty: not such a time, or not within the years 1970
// to 2261: WallTime counts nanoseconds in 64 bits.
std::optional<WallTime> parse_iso8601(std::string_view text);

// "5s", "2m", "1h", "1d", "250ms", or a bare number of seconds ("30", "0.5"). Empty: not a duration,
// negative, or larger than ten years.
std::optional<Millis> parse_duration(std::string_view text);

// "250ms", "5s", "2m 5s", "3h 4m", "2d 3h": the two largest units.
std::string format_duration(Millis duration);

}  // namespace fairlead::base
