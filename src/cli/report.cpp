#include "cli/report.hpp"

#include "base/text.hpp"

namespace fairlead::cli {

namespace {

constexpr std::size_t kLongestMessage = 4096;
constexpr std::size_t kNamesShown = 8;

void write_line(Context& context, std::string_view head, Style style, std::string_view message) {
  context.err << paint(head, style, context.terminal.color_err) << ' '
              << base::printable(message, kLongestMessage) << '\n'
              << std::flush;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i)
    text += (i == 0 ? "" : ", ") + base::printable(names[i], 64);
  return names.size() > kNamesShown ? text + ", …" : text;
}

}  // namespace

void complain(Context& context, std::string_view message) {
  write_line(context, "fairlead:", Style::bad, message);
}

void warn(Context& context, std::string_view message) {
  write_line(context, "fairlead: warning:", Style::warning, message);
}

base::Json error_json(const base::Error& error) {
  auto body = base::Json::object();
  body.set("code", base::to_string(error.code)).set("message", error.text());
  return body;
}

Exit fail(Context& context, const base::Error& error, bool json, bool pretty) {
  complain(context, error.text());
  if (json) {
    auto body = base::Json::object();
    body.set("error", error_json(error));
    print_json(context, body.view(), pretty);
  }
  return exit_of(error.code);
}

void print_json(Context& context, base::JsonView value, bool pretty) {
  context.out << value.dump(pretty) << '\n' << std::flush;
}

base::Error no_such_tunnel(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::string message = "no tunnel named `" + base::printable(name, 64) + "`";
  if (const auto near = base::nearest(name, candidates); !near.empty())
    message += "; did you mean `" + base::printable(near, 64) + "`?";
  else if (known.empty())
    message += "; none is configured";
  else
    message += "; there are: " + list_of(known);
  return {base::Code::not_found, std::move(message), {}};
}

}  // namespace fairlead::cli
