// The hooks of one generation: files are loaded in the order given, each in an environment of its own, and
// register what they have. All problems of all files are found in one go.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <lauxlib.h>
#include <lua.h>

#include "base/json.hpp"
#include "core/events.hpp"
#include "core/policy_page.hpp"
#include "host/limits.hpp"

namespace fairlead::host {

constexpr int kApiVersion = 1;

enum class FileKind : std::uint8_t {
  hook,      // the operator's
  standard,  // shipped with fairlead, loaded last; a hook of the same event and name in an operator's file
             // replaces it
  library,   // returns a table that tests get as `kit`
  test,      // uses `kit`
};

struct SourceFile {
  std::string path;  // as messages name it
  FileKind kind;
  std::string text;
  std::uint32_t number = 0;  // position in the load message
};

struct Problem {
  std::string file;
  int line = 0;  // 0: the file as a whole
  std::string message;
};
base::Json as_json(const std::vector<Problem>& problems);  // a list of {"file", "line", "message"}

struct Hook {
  core::HookEvent event;
  std::string name;
  std::string file;
  int line = 0;
  bool standard = false;
  double every_seconds = 0;  // of flows
  int function = LUA_NOREF;  // in the registry of the state
  bool skipped = false;      // quarantined by the daemon
};

class HookSet {
 public:
  // `log`: what scripts write with log(…), at most a few lines a call.
  HookSet(lua_State* state, CpuLimit& limit, core::PolicyPage& page,
          std::function<void(const std::string&)> log);
  HookSet(const HookSet&) = delete;
  HookSet& operator=(const HookSet&) = delete;

  // Loads everything but tests; false when problems() is not empty.
  bool load(const std::vector<SourceFile>& files);
  // Runs one file of tests with `kit` (what the library returned) in its environment. False: a problem more.
  bool run_test_file(const SourceFile& file, int kit_reference);
  // Runs a library and keeps what it returns; LUA_NOREF: a problem more. `globals` are offered to it.
  using Offers = std::vector<std::pair<const char*, lua_CFunction>>;
  int run_library(const SourceFile& file, const Offers& globals);

  const std::vector<Hook>& hooks() const { return hooks_; }
  // Numbers of the hooks of this event, in the order they are asked.
  const std::vector<std::size_t>& of(core::HookEvent event) const {
    return by_event_[static_cast<std::size_t>(event)];
  }
  void skip(std::size_t hook) { hooks_[hook].skipped = true; }
  const std::vector<Problem>& problems() const { return problems_; }
  const std::vector<Problem>& warnings() const { return warnings_; }
  const std::vector<std::string>& switched_off() const { return off_; }

 private:
  struct Off {
    std::string name, file;
    int line;
  };
  static int on_index(lua_State* state);
  static int on_register(lua_State* state);
  static int api(lua_State* state);
  static int off(lua_State* state);
  static int every(lua_State* state);
  static int log(lua_State* state);
  void register_hook(lua_State* state, core::HookEvent event, int name_at, int function_at,
                     double every_seconds);
  bool run(const SourceFile& file, const std::function<void()>& offers, int results);
  void push_basics();
  void settle();
  void add_problem(const std::string& file, int line, const std::string& message);
  void add_problem(const std::string& file, const std::string& message);

  lua_State* state_;
  CpuLimit& limit_;
  core::PolicyPage& page_;
  std::function<void(const std::string&)> log_;
  const SourceFile* loading_ = nullptr;  // null: nothing may be registered any more
  bool api_named_ = false;
  std::vector<Hook> hooks_;
  std::vector<std::vector<std::size_t>> by_event_;
  std::vector<Off> offs_;
  std::vector<std::string> off_;
  std::vector<Problem> problems_, warnings_;
};

}  // namespace fairlead::host
