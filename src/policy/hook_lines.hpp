// The log as hooks and flows reach it: each has an allowance for each kind of line, so that one that logs or
// fails in a loop does not drown the others. Owned by Policy; loop thread only.
#pragma once
#include <initializer_list>
#include <string_view>

#include "base/log.hpp"
#include "policy/line_budget.hpp"

namespace fairlead::policy {

class HookLines {
 public:
  // Both outlive it.
  HookLines(loop::Loop& loop, base::Log& log, base::Millis minute = LineBudget::kMinute);

  // Written, or counted for the hook that the field "hook" names: `hook_lines_dropped` says how many there
  // were.
  void info(std::string_view event, std::initializer_list<base::Field> fields) {
    write(base::Level::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<base::Field> fields) {
    write(base::Level::warn, event, fields);
  }
  void end() { budget_.end(); }  // nothing is written any more

 private:
  void write(base::Level level, std::string_view event, std::initializer_list<base::Field> fields);

  base::Log& log_;
  LineBudget budget_;
};

}  // namespace fairlead::policy
