#include "config/show_parts.hpp"

#include "base/text.hpp"
#include "config/scalars.hpp"

namespace fairlead::config {

std::string scalar(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool plain = !text.empty() && (is_letter(text[0]) || text[0] == '/') && !is_boolean_word(text) &&
               base::lower(text) != "null" && text != "y" && text != "n" && text != "Y" && text != "N";
  for (const char c : text)
    plain = plain && (is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/');
  if (plain) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string exact_duration(core::Millis value) {
  const auto count = value.count();
  if (count % 1000 != 0) return std::to_string(count) + "ms";
  return std::to_string(count / 1000) + "s";
}

void show_texts(std::string_view key, const std::vector<std::string>& texts, Lines& lines) {
  if (texts.empty()) return;
  lines.open(key);
  for (const auto& text : texts) lines.item(scalar(text));
  lines.close();
}

double seconds_of(core::Millis duration) {
  return static_cast<double>(duration.count()) / 1000;
}

base::Json texts_json(const std::vector<std::string>& texts) {
  base::Json list = base::Json::array();
  for (const auto& text : texts) list.push(text);
  return list;
}

}  // namespace fairlead::config
