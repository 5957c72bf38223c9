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

// Takes numbers and single characters off the front of a text; `good` falls with the first that is not there.
struct TimeReader {
  std::string_view text;
  bool good = true;

  int digits(std::size_t count, int low, int high) {
    int value = 0;
    good = good && text.size() >= count;
    for (std::size_t i = 0; good && i < count; ++i) {
      good = text[i] >= '0' && text[i] <= '9';
      value = value * 10 + (text[i] - '0');
    }
    if (good) text.remove_prefix(count);
    good = good && value >= low && value <= high;
    return value;
  }
  bool take(char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
  }
  void need(char wanted) { good = take(wanted) && good; }
  Millis fraction() {
    int value = 0, place = 100;
    good = good && !text.empty() && text.front() >= '0' && text.front() <= '9';
    for (; good && !text.empty() && text.front() >= '0' && text.front() <= '9'; place /= 10) {
      value += (text.front() - '0') * place;
      text.remove_prefix(1);
    }
    return Millis(value);
  }
  std::chrono::minutes offset() {
    if (take('Z')) return {};
    const bool behind = take('-');
    if (!behind) need('+');
    const int hours = digits(2, 0, 23);
    need(':');
    const std::chrono::minutes east(hours * 60 + digits(2, 0, 59));
    return behind ? -east : east;
  }
};

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

std::optional<WallTime> parse_iso8601(std::string_view text) {
  TimeReader reader{text};
  const std::chrono::year year(reader.digits(4, 1970, 2261));
  reader.need('-');
  const std::chrono::month month(static_cast<unsigned>(reader.digits(2, 1, 12)));
  reader.need('-');
  const std::chrono::day day(static_cast<unsigned>(reader.digits(2, 1, 31)));
  reader.need('T');
  const std::chrono::hours hours(reader.digits(2, 0, 23));
  reader.need(':');
  const std::chrono::minutes minutes(reader.digits(2, 0, 59));
  reader.need(':');
  const std::chrono::seconds seconds(reader.digits(2, 0, 59));
  const Millis fraction = reader.take('.') ? reader.fraction() : Millis(0);
  const auto east = reader.offset();
  const std::chrono::year_month_day date(year, month, day);
  if (!reader.good || !reader.text.empty() || !date.ok()) return std::nullopt;
  const WallTime time = std::chrono::sys_days(date) + hours + minutes + seconds + fraction - east;
  if (time.time_since_epoch().count() < 0) return std::nullopt;
  return time;
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
