#include "cli/syntax.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace fairlead::cli {

namespace {

constexpr std::size_t kLongestWord = 64;

// "--wait[=TIMEOUT]" instead of CLI11's "--wait{60s} [=TIMEOUT]", and no type names such as "TEXT".
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    auto name = CLI::Formatter::make_option_name(option, is_positional);
    for (auto brace = name.find('{'); brace != std::string::npos; brace = name.find('{'))
      name.erase(brace, name.find('}', brace) - brace + 1);
    return name;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const auto& text = option->get_option_text();
    if (text.empty() || text == " ")
      return option->get_positional() && option->get_expected_max() > 1 ? " ..." : "";
    return text.front() == '[' ? text : " " + text;
  }
  std::string make_footer(const CLI::App* app) const override {
    if (app->get_parent() == nullptr) return CLI::Formatter::make_footer(app);
    std::string examples;
    // A group has inherited the program's.
    const std::string lines = app->get_subcommands({}).empty() ? app->get_footer() : std::string();
    for (const auto& line : base::split(lines, '\n'))
      if (!line.empty()) examples.append("  ").append(line) += '\n';
    if (!examples.empty()) examples = "\nExamples:\n" + examples;
    return examples + "\nThe options of fairlead itself may stand here too: see fairlead --help.\n";
  }
};

// The innermost command that was recognised.
const CLI::App* innermost(const CLI::App* app) {
  for (auto chosen = app->get_subcommands(); !chosen.empty(); chosen = app->get_subcommands())
    app = chosen.front();
  return app;
}

std::vector<std::string> option_names(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent())  // options of the outer ones are understood too
    for (const auto* option : app->get_options())
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> command_names(const CLI::App* app) {
  std::vector<std::string> names;
  for (const auto* command : app->get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string full_name(const CLI::App* app) {
  return app->get_parent() == nullptr ? app->get_name()
                                      : full_name(app->get_parent()) + " " + app->get_name();
}

// CLI11 2.1 and 2.4 put blank lines in different places: never two in a row, none at the end.
std::string help_of(const CLI::App* command) {
  const auto* outer = command->get_parent();
  auto text = command->help(outer == nullptr ? "" : full_name(outer));
  for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at))
    text.erase(at, 1);
  text.erase(text.find_last_not_of('\n') + 1);
  return text + "\n";
}

// What to say of a word that nothing took.
std::string unknown_word(const CLI::App* app, std::string word) {
  const bool is_option = word.size() > 1 && word.front() == '-';
  if (is_option) word = word.substr(0, word.find('='));
  const auto shown = base::printable(word, kLongestWord);
  const auto names = is_option ? option_names(app) : command_names(app);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string text;
  if (!is_option && names.empty())
    text = "`" + full_name(app) + "` does not take `" + shown + "`";
  else
    text = std::string("no such ") + (is_option ? "option" : "command") + " `" + shown + "`";
  const auto near = base::nearest(word, candidates);
  return near.empty() ? text : text + "; did you mean `" + std::string(near) + "`?";
}

std::string describe(const CLI::App& app, const CLI::ParseError& error) {
  const auto* command = innermost(&app);
  if (const auto left = app.remaining(true); !left.empty()) return unknown_word(command, left.front());
  if (!command->get_subcommands({}).empty()) return "a command is missing after `" + full_name(command) + "`";
  std::string text = error.what();
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  return text;
}

// The command that these words lead to, as far as can be told before they are parsed.
const CLI::App* command_named(const CLI::App* app, const std::vector<std::string>& words) {
  for (const auto& word : words)
    for (const auto* command : app->get_subcommands({}))
      if (command->get_name() == word) {
        app = command;
        break;
      }
  return app;
}

Exit usage_error(const CLI::App& app, const CLI::ParseError& error, bool json, std::ostream& out,
                 std::ostream& err) {
  const auto message =
      base::printable(describe(app, error) + "; see: " + full_name(innermost(&app)) + " --help");
  err << "fairlead: " << message << '\n' << std::flush;
  if (json) {
    auto detail = base::Json::object();
    detail.set("code", base::to_string(base::Code::bad_request)).set("message", message);
    auto document = base::Json::object();
    document.set("error", std::move(detail));
    out << document.dump(true) << '\n' << std::flush;
  }
  return Exit::usage;
}

}  // namespace

Command Command::add(const std::string& name, const std::string& description, const std::string& group) {
  app_->require_subcommand(1);
  return {*app_->add_subcommand(name, description)->group(group), *chosen_, *rests_};
}

Command& Command::argument(const std::string& name, std::string& into, const std::string& description,
                           bool required, const Check& check) {
  auto* option = app_->add_option(name, into, description)->required(required);
  if (check) option->check(check);
  return *this;
}

Command& Command::arguments(const std::string& name, std::vector<std::string>& into,
                            const std::string& description, bool required, const Check& check) {
  auto* option = app_->add_option(name, into, description)->required(required);
  if (check) option->check(check);
  return *this;
}

Command& Command::rest(std::vector<std::string>& into) {
  (*rests_)[app_] = &into;
  return *this;
}

Command& Command::flag(const std::string& names, bool& into, const std::string& description) {
  app_->add_flag(names, into, description)->disable_flag_override();
  return *this;
}

Command& Command::option(const std::string& names, std::string& into, const std::string& placeholder,
                         const std::string& description, const Check& check) {
  auto* option = app_->add_option(names, into, description)->option_text(placeholder);
  if (check) option->check(check);
  return *this;
}

Command& Command::options(const std::string& names, std::vector<std::string>& into,
                          const std::string& placeholder, const std::string& description,
                          const Check& check) {
  auto* option = app_->add_option(names, into, description)->option_text(placeholder);
  option->allow_extra_args(false);
  if (check) option->check(check);
  return *this;
}

Command& Command::choice(const std::string& names, std::string& into, const std::vector<std::string>& choices,
                         const std::string& placeholder, const std::string& description) {
  const auto check = [choices](const std::string& text) -> std::string {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
    std::string all;
    for (const auto& choice : choices) all += (all.empty() ? "" : ", ") + choice;
    const std::vector<std::string_view> candidates(choices.begin(), choices.end());
    const auto near = base::nearest(text, candidates);
    return "`" + text + "` is none of " + all +
           (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?");
  };
  return option(names, into, placeholder, description, check);
}

Command& Command::number(const std::string& names, int& into, int least, int most,
                         const std::string& placeholder, const std::string& description) {
  app_->add_option(names, into, description)->check(CLI::Range(least, most))->option_text(placeholder);
  return *this;
}

Command& Command::duration(const std::string& name, std::optional<base::Millis>& into,
                           const std::string& fallback, const std::string& placeholder,
                           const std::string& description) {
  const auto check = [&into](const std::string& text) -> std::string {
    into = base::parse_duration(text);
    return into ? "" : "`" + text + "` is not a time such as 30, 30s or 2m";
  };
  app_->add_flag(name + "{" + fallback + "}", description)
      ->option_text("[=" + placeholder + "]")
      ->check(check);
  return *this;
}

Command& Command::flag_or_duration(const std::string& name, bool& on, std::optional<base::Millis>& into,
                                   const std::string& placeholder, const std::string& description) {
  constexpr const char* kBare = "true";  // what CLI11 makes of the bare flag
  const auto check = [&on, &into](const std::string& text) -> std::string {
    on = true;
    if (text == kBare) return "";
    into = base::parse_duration(text);
    return into ? "" : "`" + text + "` is not a time such as 30, 30s or 2m";
  };
  app_->add_flag(name, description)->option_text("[=" + placeholder + "]")->check(check);
  return *this;
}

Command& Command::needs(const std::string& option, const std::string& other) {
  app_->get_option(option)->needs(app_->get_option(other));
  return *this;
}

Command& Command::excludes(const std::string& option, const std::vector<std::string>& others) {
  for (const auto& other : others) app_->get_option(option)->excludes(app_->get_option(other));
  return *this;
}

Command& Command::examples(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  app_->footer(text);
  return *this;
}

void Command::runs(Run run) {
  app_->callback([chosen = chosen_, run = std::move(run)] { *chosen = run; });
}

CommandLine::CommandLine(const std::string& name, const std::string& version, const std::string& description,
                         const std::string& footer)
    : app_(std::make_unique<CLI::App>(description, name)) {
  const auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(26);
  formatter->label("Positionals", "Arguments");
  formatter->label("SUBCOMMAND", "COMMAND");
  app_->formatter(formatter);
  app_->footer(footer);
  app_->set_help_flag("-h,--help", "show this help");
  app_->set_version_flag("--version", name + " " + version, "show the version of this program");
  app_->fallthrough();  // the program's options are understood after a command too
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() {
  return {*app_, chosen_, rests_};
}

CommandLine::Parsed CommandLine::parse(std::vector<std::string> arguments, std::ostream& out,
                                       std::ostream& err) {
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  // CLI11 gives what follows "--" to the outer command once a list of arguments has its first one.
  std::vector<std::string> rest;
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const auto sink = rests_.find(command_named(app_.get(), {arguments.begin(), dashes}));
  if (dashes != arguments.end() && sink != rests_.end()) {
    rest.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app_->parse(std::move(arguments));
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << '\n' << std::flush;
    return {Exit::ok, nullptr};
  } catch (const CLI::Success&) {  // --help
    out << help_of(innermost(app_.get())) << std::flush;
    return {Exit::ok, nullptr};
  } catch (const CLI::ParseError& error) {
    return {usage_error(*app_, error, json, out, err), nullptr};
  }
  if (sink != rests_.end()) sink->second->insert(sink->second->end(), rest.begin(), rest.end());
  return {std::nullopt, chosen_};
}

}  // namespace fairlead::cli
