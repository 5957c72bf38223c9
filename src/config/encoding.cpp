#include "config/encoding.hpp"

#include <cstdio>

namespace fairlead::config {

namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;
constexpr int kMostReported = 20;

struct Character {
  char32_t point = kInvalid;
  std::size_t length = 1;
};

// One code point (RFC 3629: no overlong forms, no surrogates); kInvalid, one byte long, where there is none.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t point = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3Fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kLeast[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return {};
  return {point, length};
}

// What libyaml's reader takes (YAML 1.1 section 4.1), less NEL, which only hides a line break.
bool is_allowed(char32_t point) {
  if (point == '\t' || point == '\n' || point == '\r') return true;
  if (point > 0x10FFFF || point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  return point != 0xFEFF && point != 0xFFFE && point != 0xFFFF;
}

std::string describe(char32_t point, unsigned char byte) {
  char text[64];
  if (point == 0) return "a NUL byte";
  if (point == kInvalid)
    std::snprintf(text, sizeof text, "byte 0x%02x is not UTF-8", byte);
  else
    std::snprintf(text, sizeof text, "the control character U+%04X", static_cast<unsigned>(point));
  return text;
}

}  // namespace

bool check_encoding(std::string_view text, Problems& problems) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    problems.add({1, 1}, "the file is UTF-16", "save it as UTF-8");
    return false;
  }
  Position at{1, 1};
  int reported = 0;
  for (std::size_t i = 0; i < text.size() && reported < kMostReported;) {
    const Character character = decode(text.substr(i));
    if (!is_allowed(character.point)) {
      problems.add(at, describe(character.point, static_cast<unsigned char>(text[i])),
                   character.point == kInvalid ? "save the file as UTF-8" : "remove it");
      ++reported;
    }
    const bool pair = character.point == '\r' && text.substr(i + 1).starts_with('\n');
    i += character.length;
    ++at.column;
    if (character.point == '\n' || (character.point == '\r' && !pair)) at = {at.line + 1, 1};
  }
  return reported == 0;
}

bool is_one_line(std::string_view text) {
  while (!text.empty()) {
    const Character character = decode(text);
    const bool separator = character.point == 0x2028 || character.point == 0x2029;
    if (!is_allowed(character.point) || separator) return false;
    if (character.point == '\n' || character.point == '\r') return false;
    text.remove_prefix(character.length);
  }
  return true;
}

}  // namespace fairlead::config
