#include "base/clock.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace fairlead::base {

namespace {

struct DurationUnit {
  std::string_view suffix;
  double millis;
};
constexpr DurationUnit kUnits[] = {{"ms", 1},     {"s", 1000},        {"m", 60'000},
                                   {"h", 3600e3}, {"d", 24 * 3600e3}, {"", 1000}};
constexpr double kTenYears = 10.0 * 366 * 24 * 3600e3;

}  // namespace

BootTime BootClock::now() noexcept {
  std::timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return BootTime(std::chrono::seconds(time.tv_sec) +
                  std::chrono::duration_cast<Millis>(std::chrono::nanoseconds(time.tv_nsec)));
}

std::string iso8601(WallTime time) {
  const auto millis = std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto used = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + used, sizeof text - used, ".%03dZ", static_cast<int>(millis % 1000));
  return text;
}

std::optional<Millis> parse_duration(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (failure != std::errc{} || !(value >= 0)) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const auto& unit : kUnits) {
    if (suffix != unit.suffix) continue;
    const double millis = value * unit.millis;
    if (!(millis <= kTenYears)) return std::nullopt;
    return Millis(std::llround(millis));  // 1.001 s is 1001 ms, though 1.001 * 1000 falls short of it
  }
  return std::nullopt;
}

std::string format_duration(Millis duration) {
  const auto count = duration.count();
  if (count < 1000) return std::to_string(count) + "ms";
  const auto seconds = count / 1000;
  struct Part {
    std::int64_t size;
    const char* suffix;
  };
  constexpr Part kParts[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  std::string text;
  auto left = seconds;
  int shown = 0;
  for (const auto& part : kParts) {
    const auto amount = left / part.size;
    left %= part.size;
    if (shown > 0 && amount == 0) break;
    if (amount == 0) continue;
    if (shown > 0) text += ' ';
    text += std::to_string(amount) + part.suffix;
    if (++shown == 2) break;
  }
  return text;
}

}  // namespace fairlead::base
