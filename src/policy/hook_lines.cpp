#include "policy/hook_lines.hpp"

#include <algorithm>
#include <string>

namespace fairlead::policy {

namespace {

// In a minute. What a hook logs itself may follow a tunnel that comes and goes; what goes wrong is the same
// thing over and over.
constexpr std::uint64_t kMostLogged = 600;
constexpr std::uint64_t kMostTroubles = 20;

}  // namespace

HookLines::HookLines(loop::Loop& loop, base::Log& log, base::Millis minute)
    : log_(log),
      budget_(
          loop,
          [this](const LineBudget::Key& key, std::uint64_t more) {
            log_.warn("hook_lines_dropped", {{"hook", key.hook}, {"lines", key.event}, {"more", more}});
          },
          minute) {}

void HookLines::write(base::Level level, std::string_view event, std::initializer_list<base::Field> fields) {
  if (!log_.enabled(level)) return;
  const auto hook = std::ranges::find(fields, std::string_view("hook"), &base::Field::key);
  const LineBudget::Key key{std::string(event), hook == fields.end() ? std::string() : hook->value, {}};
  if (budget_.take(key, event == "hook_log" ? kMostLogged : kMostTroubles)) log_.write(level, event, fields);
}

}  // namespace fairlead::policy
