// Finds, reads and checks the configuration file; what comes out is a core::Config in which every rule holds.
// Called by app/ (daemon start, reload) and by `fairlead config`; owns nothing between calls. Blocks (file,
// user names): before the loop runs, or from the thread pool. Failure is a list of problems, all of them at
// once, each with its place in the file and with what to do; a file with any problem yields no config.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "core/config.hpp"

namespace fairlead::config {

struct Problem {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;  // from 1, in characters
  std::string message;
  std::string fix;
  bool operator==(const Problem&) const = default;
};
std::string to_string(const Problem& problem);  // "file:line:column: message (fix)"

struct Location {
  std::string file;          // absolute
  bool system_mode = false;  // the file lies below /etc: see docs/configuration.md, "Where the file is"
};

// `explicit_path` (--config), else $FAIRLEAD_CONFIG, else $BRIDGE_CONFIG, else the invoking user's
// ~/.config/fairlead/fairlead.yaml, else /etc/fairlead/fairlead.yaml. The first that is named is taken, and
// is an error when it is missing; only the last two are tried in turn. Code::not_found lists the places.
base::Result<Location> find_config(const std::string& explicit_path);

struct Loaded {
  core::ConfigPtr config;         // null exactly when there are problems
  std::vector<Problem> problems;  // by line
};
Loaded load(const Location& location);
// The same with the file's text at hand; `location.file` is only named. Any bytes are safe to pass.
Loaded load_text(std::string_view text, const Location& location);

}  // namespace fairlead::config
