#include "policy/hook_clock.hpp"

#include <ctime>

namespace fairlead::policy {

base::Json hook_clock(base::WallTime now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::time_t time = seconds;
  std::tm local = {};
  ::localtime_r(&time, &local);
  const int weekday = local.tm_wday == 0 ? 7 : local.tm_wday;
  base::Json clock = base::Json::object();
  clock.set("unix", seconds).set("iso", base::iso8601(now));
  clock.set("year", local.tm_year + 1900).set("month", local.tm_mon + 1).set("day", local.tm_mday);
  clock.set("hour", local.tm_hour).set("minute", local.tm_min);
  clock.set("weekday", weekday).set("weekend", weekday >= 6);
  return clock;
}

}  // namespace fairlead::policy
