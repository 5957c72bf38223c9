#include "config/syntax_error.hpp"

#include "base/text.hpp"

namespace fairlead::config {

namespace {

struct Advice {
  std::string_view words;  // part of libyaml's problem or context
  std::string_view fix;
};
constexpr Advice kAdvice[] = {
    {"quoted scalar", "close the quote"},
    {"mapping values are not allowed", "check the indentation; quote a value that holds \": \""},
    {"could not find expected ':'", "write `key: value`, with a blank after the colon"},
    {"cannot start any token", "put the text in quotes"},
    {"flow mapping", "close the brace `}`, and put commas between its parts"},
    {"flow sequence", "close the bracket `]`, and put commas between its parts"},
    {"block mapping", "indent the keys of one mapping alike"},
    {"block collection", "indent the dashes of one list alike"},
    {"undefined tag handle", "remove the tag"},
    {"anchor", "name it with letters, digits, `-` and `_`"},
    {"alias", "put the text in quotes if no alias is meant"},
};

std::string_view advice_for(const SyntaxError& error) {
  for (const auto& advice : kAdvice)
    if (error.problem.find(advice.words) != std::string_view::npos ||
        error.context.find(advice.words) != std::string_view::npos)
      return advice.fix;
  return "check the indentation and the quotes here";
}

// True when the blanks before the text of that line hold a tab: YAML forbids them there, and the eye misses
// them.
bool is_indented_by_tab(std::string_view text, int line) {
  const auto lines = base::split(text, '\n');
  const auto index = static_cast<std::size_t>(line) - 1;
  if (line < 1 || index >= lines.size()) return false;
  const auto indentation = lines[index].substr(0, lines[index].find_first_not_of(" \t"));
  return indentation.find('\t') != std::string_view::npos;
}

}  // namespace

void report_syntax_error(const SyntaxError& error, std::string_view text, Problems& problems) {
  if (is_indented_by_tab(text, error.at.line)) {
    problems.add(error.at, "a tab in the indentation", "indent with blanks");
    return;
  }
  // The end of the file tells nothing about a quote or bracket that was left open: point at that one.
  const bool ran_out = error.problem.find("end of stream") != std::string_view::npos;
  const Position at = ran_out && !error.context.empty() ? error.context_at : error.at;
  std::string message = "not valid YAML: ";
  if (!error.context.empty()) {
    message += error.context;
    if (error.context_at.line != at.line)
      message += " (from line " + std::to_string(error.context_at.line) + ")";
    message += ", ";
  }
  problems.add(at, message.append(error.problem), std::string(advice_for(error)));
}

}  // namespace fairlead::config
