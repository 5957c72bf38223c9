// The files of a policy, read in one go: the operator's hooks, their tests, and what fairlead ships. A
// generation is made of exactly these bytes. Blocking: for the thread pool or the command line.
#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::policy {

// One thing that is wrong with a file; `line` 0: with the file as a whole.
struct Problem {
  std::string file;
  int line = 0;
  std::string message;
};
std::string to_string(const Problem& problem);  // "file:line: message"
// As the policy process tells of them: [{"file", "line", "message"}].
std::vector<Problem> problems_of(base::JsonView list);
// One problem a line, Code::bad_config.
base::Error as_error(const std::vector<Problem>& problems);

struct Source {
  struct File {
    std::string path;  // as given, for messages
    std::string kind;  // "hook", "standard", "library", "test": words of the policy process
    std::string text;
  };
  std::vector<File> files;  // in load order
  std::size_t hooks = 0;    // of the operator
  std::size_t tests = 0;
  std::vector<Problem> problems;  // not empty: the source is not to be used
};

// `folder`: the operator's, empty or missing: none; `shipped`: fairlead's own lua/ folder. Limits: 500 files,
// 1 MiB each, 8 MiB together.
Source read_source(const std::string& folder, const std::string& shipped);

// Where fairlead's own lua/ is: beside the executable (a build folder), else where it is installed.
std::string shipped_lua();

// The load message of the policy process (host/policy.cpp).
std::string load_message(const Source& source, const base::Json& limits);

}  // namespace fairlead::policy
