// The grammar of the command line: which commands there are, what each takes, and what it runs. Groups of
// commands write theirs down with Command; CommandLine parses. Parsing runs nothing, so it is tested without
// a daemon.
//
// This is a front for CLI11, which only syntax.cpp includes: its headers take longer to compile than the rest
// of this folder together.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cli/context.hpp"
#include "cli/exit_codes.hpp"

namespace CLI {
class App;
}

namespace fairlead::cli {

using Run = std::function<Exit(Context&)>;
// What is wrong with a value; empty when nothing is.
using Check = std::function<std::string(const std::string&)>;

// One command, or the program itself. A handle: the CommandLine owns what it stands for. `names` are written
// "-n,--lines"; values are put into variables that must live until the command has run: what runs() is given
// should own them.
class Command {
 public:
  Command add(const std::string& name, const std::string& description, const std::string& group = "Commands");

  Command& argument(const std::string& name, std::string& into, const std::string& description,
                    bool required = false, const Check& check = nullptr);
  Command& arguments(const std::string& name, std::vector<std::string>& into, const std::string& description,
                     bool required = false, const Check& check = nullptr);
  // What stands after "--", untouched, behind what `into` holds by then.
  Command& rest(std::vector<std::string>& into);
  Command& flag(const std::string& names, bool& into, const std::string& description);
  Command& option(const std::string& names, std::string& into, const std::string& placeholder,
                  const std::string& description, const Check& check = nullptr);
  // May be given several times, each with one value.
  Command& options(const std::string& names, std::vector<std::string>& into, const std::string& placeholder,
                   const std::string& description, const Check& check = nullptr);
  // One of a few words; without dashes in `names` an argument.
  Command& choice(const std::string& names, std::string& into, const std::vector<std::string>& choices,
                  const std::string& placeholder, const std::string& description);
  Command& number(const std::string& names, int& into, int least, int most, const std::string& placeholder,
                  const std::string& description);
  // "--wait" means `fallback`, "--wait=2m" what it says; the next word is never taken for the time.
  Command& duration(const std::string& name, std::optional<base::Millis>& into, const std::string& fallback,
                    const std::string& placeholder, const std::string& description);

  // "--wait" sets `on`, "--wait=2m" the time too; the next word is never taken for the time.
  Command& flag_or_duration(const std::string& name, bool& on, std::optional<base::Millis>& into,
                            const std::string& placeholder, const std::string& description);

  Command& needs(const std::string& option, const std::string& other);
  Command& excludes(const std::string& option, const std::vector<std::string>& others);

  Command& examples(const std::vector<std::string>& lines);  // shown under the help

  void runs(Run run);  // a command with commands of its own runs nothing itself

 private:
  friend class CommandLine;
  using Rests = std::map<const CLI::App*, std::vector<std::string>*>;
  Command(CLI::App& app, Run& chosen, Rests& rests) : app_(&app), chosen_(&chosen), rests_(&rests) {}
  CLI::App* app_;
  Run* chosen_;
  Rests* rests_;
};

class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& version, const std::string& description,
              const std::string& footer);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command program();

  // `arguments` come without the program's name. Either what to run, or an exit code when that was all: help
  // or the version was asked for, or the usage is wrong, which is said on `err` in one line, with the word
  // that was meant.
  struct Parsed {
    std::optional<Exit> exit;
    Run run;
  };
  Parsed parse(std::vector<std::string> arguments, std::ostream& out, std::ostream& err);

 private:
  std::unique_ptr<CLI::App> app_;
  Run chosen_;
  Command::Rests rests_;
};

}  // namespace fairlead::cli
