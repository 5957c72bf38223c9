#include "cli/log_text.hpp"

#include "base/text.hpp"
#include "cli/terminal.hpp"

namespace fairlead::cli {

namespace {

constexpr std::size_t kLongestValue = 4096;
constexpr std::size_t kLevelWidth = 5;

Style level_style(std::string_view level) {
  if (level == "error") return Style::bad;
  if (level == "warn") return Style::warning;
  if (level == "debug") return Style::faint;
  return Style::plain;
}

bool stands_in_front(std::string_view key) {
  return key == "id" || key == "time" || key == "level" || key == "event";
}

}  // namespace

std::string key_value(std::string_view key, base::JsonView value) {
  return base::printable(key, 64) + "=" +
         base::quoted(value.is_string() ? std::string(value.text()) : value.dump(), kLongestValue);
}

std::string render_log_line(base::JsonView line, bool color) {
  const auto name = line["level"].text();
  auto level = base::printable(name, 16);
  level.resize(std::max(level.size(), kLevelWidth), ' ');
  auto text = paint(base::printable(line["time"].text(), 64), Style::faint, color) + " " +
              paint(level, level_style(name), color) + " " +
              paint(base::printable(line["event"].text(), 64), Style::strong, color);
  for (const auto field : line.items())
    if (!stands_in_front(field.key())) text += " " + key_value(field.key(), field);
  return text;
}

}  // namespace fairlead::cli
