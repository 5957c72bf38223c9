#include "config/scalars.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"
#include "config/encoding.hpp"

namespace fairlead::config {

namespace {

constexpr std::size_t kMostText = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// False (and reported, unless the node is broken, which was) when it is not a scalar.
bool is_scalar(const Node& node, std::string_view name, std::string_view expected, Problems& problems) {
  if (node.kind == NodeKind::text) return true;
  if (node.kind != NodeKind::broken)
    problems.add(
        node.at,
        in_quotes(name) + " must be " + std::string(expected) + ", not " + std::string(kind_name(node)),
        "write it as " + std::string(name) + ": VALUE");
  return false;
}

// "18_000" is 18000 in YAML 1.1 when it is not quoted.
std::string without_separators(const Node& node) {
  std::string text = node.text;
  if (node.plain && !text.empty() && is_digit(text.front()) && is_digit(text.back())) std::erase(text, '_');
  return text;
}

// 022 is 18 to a YAML 1.1 reader, 22 to a YAML 1.2 reader.
bool is_octal_trap(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && (is_digit(text[1]) || text[1] == 'o' || text[1] == 'x');
}

void report_octal(const Node& node, Problems& problems) {
  std::string_view digits = node.text;
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  const bool decimal =
      std::all_of(digits.begin(), digits.end(), [](char c) { return is_digit(c) || c == '.'; });
  problems.add(node.at, in_quotes(node.text) + " starts with 0: YAML readers disagree on whether it is octal",
               decimal ? "write " + std::string(digits) : "write a plain decimal number");
}

// `text` itself, or nothing (and reported) when it is long or holds a control character.
std::optional<std::string> one_line(std::string text, const Node& node, std::string_view name,
                                    Problems& problems) {
  if (is_one_line(text) && text.size() <= kMostText) return text;
  problems.add(node.at, in_quotes(name) + " must be one line without control characters, up to 4096 bytes",
               "shorten it, and remove escapes such as \\n");
  return std::nullopt;
}

std::string range_text(const Key& key) {
  if (key.type == Type::size)
    return base::exact_bytes(static_cast<std::uint64_t>(key.low)) + " to " +
           base::exact_bytes(static_cast<std::uint64_t>(key.high));
  if (key.type != Type::duration) return std::to_string(key.low) + " to " + std::to_string(key.high);
  return base::format_duration(base::Millis(key.low)) + " to " +
         base::format_duration(base::Millis(key.high));
}

}  // namespace

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a mapping";
    case NodeKind::null:
      return "nothing";
    case NodeKind::text:
    case NodeKind::broken:
      break;
  }
  return "a single value";
}

bool is_boolean_word(std::string_view text) {
  constexpr std::string_view kWords[] = {"yes", "no", "on", "off", "true", "false"};
  const std::string small = base::lower(text);
  if (std::find(std::begin(kWords), std::end(kWords), small) == std::end(kWords)) return false;
  const bool first_upper = text[0] != small[0];
  const std::string_view rest = text.substr(1), small_rest = std::string_view(small).substr(1);
  const bool all_upper = std::none_of(rest.begin(), rest.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return rest == small_rest || (first_upper && all_upper);
}

bool is_number_word(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  if (text.starts_with("0x"))
    return text.size() > 2 && text.find_first_not_of("0123456789abcdefABCDEF_", 2) == std::string_view::npos;
  const auto points = std::count(text.begin(), text.end(), '.');
  const bool has_digit = std::any_of(text.begin(), text.end(), is_digit);
  return has_digit && points <= 1 && text[0] != '_' &&
         text.find_first_not_of("0123456789_.") == std::string_view::npos;
}

std::optional<bool> read_boolean(const Node& node, const Key& key, Problems& problems) {
  if (!is_scalar(node, key.name, "true or false", problems)) return std::nullopt;
  if (node.plain && (node.text == "true" || node.text == "false")) return node.text == "true";
  const std::string small = base::lower(node.text);
  const bool yes = small == "yes" || small == "on" || small == "true" || small == "y" || small == "1";
  const bool no = small == "no" || small == "off" || small == "false" || small == "n" || small == "0";
  const std::string_view meant = yes  ? "write true"
                                 : no ? "write false"
                                      : "write true or false, without quotes";
  problems.add(node.at, in_quotes(key.name) + " must be true or false, not " + in_quotes(node.text),
               std::string(meant));
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Node& node, const Key& key, Problems& problems) {
  if (!is_scalar(node, key.name, "a number", problems)) return std::nullopt;
  const std::string text = without_separators(node);
  if (is_octal_trap(text)) {
    report_octal(node, problems);
    return std::nullopt;
  }
  const std::string range =
      key.low == key.high ? "write " + std::to_string(key.low) : "write a whole number, " + range_text(key);
  const std::string_view digits = text.starts_with('-') ? std::string_view(text).substr(1) : text;
  const bool whole = !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit);
  if (!whole) {
    problems.add(node.at, in_quotes(key.name) + " must be a whole number, not " + in_quotes(node.text),
                 range);
    return std::nullopt;
  }
  const auto value = base::parse_unsigned(text);  // nothing for a sign and for what 64 bits do not hold
  if (!value || *value < static_cast<std::uint64_t>(key.low) ||
      *value > static_cast<std::uint64_t>(key.high)) {
    problems.add(node.at, in_quotes(key.name) + " is out of range: " + base::printable(node.text, 80), range);
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*value);
}

std::optional<base::Millis> read_duration(const Node& node, const Key& key, bool seconds_only,
                                          Problems& problems) {
  if (!is_scalar(node, key.name, "a duration", problems)) return std::nullopt;
  const std::string text = without_separators(node);
  if (is_octal_trap(text)) {
    report_octal(node, problems);
    return std::nullopt;
  }
  const auto value = base::parse_duration(text);
  if (!value) {
    problems.add(node.at, in_quotes(key.name) + " must be a duration, not " + in_quotes(node.text),
                 "write a number of seconds, or 500ms, 5s, 2m, 1h, 1d");
    return std::nullopt;
  }
  if (seconds_only && !is_number_word(text)) {
    const std::string name(key.name);
    problems.add(node.at,
                 in_quotes(name + "_seconds") + " must be a bare number, not " + in_quotes(node.text),
                 "write " + name + ": " + base::printable(text, 80));
    return std::nullopt;
  }
  if (value->count() < key.low || value->count() > key.high) {
    problems.add(node.at, in_quotes(key.name) + " is out of range: " + base::printable(node.text, 80),
                 "write a duration from " + range_text(key));
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> read_size(const Node& node, const Key& key, Problems& problems) {
  if (!is_scalar(node, key.name, "a size", problems)) return std::nullopt;
  const std::string text = without_separators(node);
  if (is_octal_trap(text)) {
    report_octal(node, problems);
    return std::nullopt;
  }
  const auto value = base::parse_bytes(text);
  if (!value) {
    problems.add(node.at, in_quotes(key.name) + " must be a size, not " + in_quotes(node.text),
                 "write a number of bytes, or 64KiB, 512MiB, 2GiB");
    return std::nullopt;
  }
  if (*value < static_cast<std::uint64_t>(key.low) || *value > static_cast<std::uint64_t>(key.high)) {
    problems.add(node.at, in_quotes(key.name) + " is out of range: " + base::printable(node.text, 80),
                 "write a size from " + range_text(key));
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> read_text(const Node& node, std::string_view name, Problems& problems) {
  if (!is_scalar(node, name, "text", problems)) return std::nullopt;
  const std::string quote = "quote it: \"" + base::printable(node.text, 80) + '"';
  if (node.plain && is_boolean_word(node.text)) {
    problems.add(node.at, in_quotes(name) + " must be text, and " + node.text + " is a boolean in YAML",
                 quote);
    return std::nullopt;
  }
  if (node.plain && is_number_word(node.text)) {
    problems.add(node.at,
                 in_quotes(name) + " must be text, and " + base::printable(node.text, 80) + " is a number",
                 quote);
    return std::nullopt;
  }
  const std::string_view text = base::trim(node.text);
  if (text.empty()) {
    problems.add(node.at, in_quotes(name) + " is empty", "write a value, or remove the key");
    return std::nullopt;
  }
  return one_line(std::string(text), node, name, problems);
}

std::optional<std::string> read_prose(const Node& node, std::string_view name, Problems& problems) {
  if (!is_scalar(node, name, "text", problems)) return std::nullopt;
  std::string text;
  for (const char c : base::trim(node.text)) {
    const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!blank || !text.ends_with(' ')) text += blank ? ' ' : c;
  }
  return one_line(std::move(text), node, name, problems);
}

std::optional<std::string> read_choice(const Node& node, const Key& key, Problems& problems) {
  if (!is_scalar(node, key.name, "one word", problems)) return std::nullopt;
  const auto choices = base::split(key.choices, '|');
  if (std::find(choices.begin(), choices.end(), node.text) != choices.end()) return node.text;
  std::string fix = "one of:";
  for (const auto choice : choices) fix += ' ' + std::string(choice);
  if (const auto near = base::nearest(node.text, choices); !near.empty())
    fix = "did you mean " + in_quotes(near) + "? " + fix;
  problems.add(node.at, in_quotes(key.name) + " cannot be " + in_quotes(node.text), fix);
  return std::nullopt;
}

}  // namespace fairlead::config
