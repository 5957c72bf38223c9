#include "host/hook_set.hpp"

#include <lauxlib.h>

#include <algorithm>

#include "base/text.hpp"
#include "host/lua_state.hpp"

namespace fairlead::host {

namespace {

using std::chrono_literals::operator""ms;

constexpr const char* kOnType = "fairlead.on";
constexpr auto kFileLimit = 500ms;  // CPU time of one file's top level
constexpr std::size_t kMostHooks = 2'000;
constexpr double kLeastInterval = 1, kMostInterval = 366.0 * 24 * 3600;

int line_of_caller(lua_State* state) {
  lua_Debug where;
  if (lua_getstack(state, 1, &where) == 0) return 0;
  lua_getinfo(state, "l", &where);
  return std::max(where.currentline, 0);
}

}  // namespace

base::Json as_json(const std::vector<Problem>& problems) {
  base::Json list = base::Json::array();
  for (const Problem& problem : problems)
    list.push(std::move(base::Json::object()
                            .set("file", problem.file)
                            .set("line", problem.line)
                            .set("message", problem.message)));
  return list;
}

HookSet::HookSet(lua_State* state, CpuLimit& limit, core::PolicyPage& page,
                 std::function<void(const std::string&)> log)
    : state_(state), limit_(limit), page_(page), log_(std::move(log)), by_event_(core::all_events().size()) {
  bind_object(state, *this);
  luaL_newmetatable(state, kOnType);
  lua_pushcfunction(state, on_index);
  lua_setfield(state, -2, "__index");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 1);
}

void HookSet::add_problem(const std::string& file, int line, const std::string& message) {
  problems_.push_back({file, line, message});
}

// Lua's messages begin with "file:line: " where they know it.
void HookSet::add_problem(const std::string& file, const std::string& message) {
  if (message.starts_with(file + ":")) {
    const std::size_t begin = file.size() + 1;
    const std::size_t end = message.find(':', begin);
    const auto line = end == std::string::npos
                          ? std::nullopt
                          : base::parse_unsigned(std::string_view(message).substr(begin, end - begin));
    if (line)
      return add_problem(file, static_cast<int>(*line), std::string(base::trim(message.substr(end + 1))));
  }
  add_problem(file, 0, message);
}

// --- what files see

int HookSet::on_index(lua_State* state) {
  const char* name = luaL_checkstring(state, 2);
  const core::EventInfo* event = core::find_event(name);
  if (event != nullptr && event->kind == core::HookKind::flow)
    return luaL_error(state, "on.every is written every(\"5m\", \"name\", function(flow) … end)");
  if (event == nullptr) {
    std::vector<std::string_view> names;
    for (const core::EventInfo& known : core::all_events())
      if (known.kind != core::HookKind::flow) names.push_back(known.name);
    const std::string near(base::nearest(name, names));
    return luaL_error(state, "there is no event `%s`%s", base::printable(name, 60).c_str(),
                      near.empty() ? "" : ("; did you mean `" + near + "`?").c_str());
  }
  lua_pushinteger(state, static_cast<lua_Integer>(event->event));
  lua_pushcclosure(state, on_register, 1);
  return 1;
}

int HookSet::on_register(lua_State* state) {
  const auto event = static_cast<core::HookEvent>(lua_tointeger(state, lua_upvalueindex(1)));
  bound_object<HookSet>(state).register_hook(state, event, 1, 2, 0);
  return 0;
}

int HookSet::every(lua_State* state) {
  const double seconds = seconds_at(state, 1);
  luaL_argcheck(state, seconds >= kLeastInterval && seconds <= kMostInterval, 1,
                "an interval from 1s to a year is wanted, such as \"5m\"");
  bound_object<HookSet>(state).register_hook(state, core::HookEvent::every, 2, 3, seconds);
  return 0;
}

void HookSet::register_hook(lua_State* state, core::HookEvent event, int name_at, int function_at,
                            double every_seconds) {
  if (loading_ == nullptr || loading_->kind == FileKind::test || loading_->kind == FileKind::library)
    luaL_error(state, "hooks are registered while a hook file loads, not later");
  if (!api_named_) luaL_error(state, "the file must begin with api(%d)", kApiVersion);
  luaL_argcheck(state, lua_type(state, name_at) == LUA_TSTRING, name_at, "the hook's name is wanted, a text");
  const std::string name = lua_tostring(state, name_at);
  luaL_argcheck(state, core::is_hook_name(name), name_at,
                "a name is 1 to 64 letters, digits, dots, dashes and underscores");
  luaL_checktype(state, function_at, LUA_TFUNCTION);
  if (lua_gettop(state) > function_at) luaL_error(state, "too many arguments");
  if (hooks_.size() >= kMostHooks) luaL_error(state, "more than 2000 hooks");
  for (const Hook& other : hooks_) {
    if (other.event != event || other.name != name) continue;
    if (loading_->kind == FileKind::standard && !other.standard) return;  // the operator's own replaces it
    luaL_error(state, "the name `%s` is taken for %s at %s:%d", name.c_str(), core::to_string(event).data(),
               other.file.c_str(), other.line);
  }
  lua_pushvalue(state, function_at);
  hooks_.push_back({event, name, loading_->path, line_of_caller(state), loading_->kind == FileKind::standard,
                    every_seconds, luaL_ref(state, LUA_REGISTRYINDEX)});
}

int HookSet::api(lua_State* state) {
  const lua_Integer version = luaL_checkinteger(state, 1);
  if (version != kApiVersion)
    return luaL_error(state, "the file wants hook API %d, this fairlead has %d", static_cast<int>(version),
                      kApiVersion);
  bound_object<HookSet>(state).api_named_ = true;
  return 0;
}

int HookSet::off(lua_State* state) {
  auto& self = bound_object<HookSet>(state);
  if (self.loading_ == nullptr) return luaL_error(state, "off is for the top level of a hook file");
  self.offs_.push_back({luaL_checkstring(state, 1), self.loading_->path, line_of_caller(state)});
  return 0;
}

int HookSet::log(lua_State* state) {
  auto& self = bound_object<HookSet>(state);
  const int count = lua_gettop(state);
  std::string text;
  for (int i = 1; i <= count; ++i) {
    std::size_t size = 0;
    const char* part = luaL_tolstring(state, i, &size);
    text += (i > 1 ? " " : "") + std::string(part, std::min<std::size_t>(size, 1024));
    lua_pop(state, 1);
  }
  self.log_(base::printable(text, 1024));
  return 0;
}

// --- loading

// Leaves the environment on the stack.
void HookSet::push_basics() {
  push_environment(state_);
  constexpr std::pair<const char*, lua_CFunction> kOffers[] = {
      {"api", &HookSet::api}, {"off", &HookSet::off}, {"every", &HookSet::every}, {"log", &HookSet::log}};
  for (const auto& [name, function] : kOffers) {
    lua_pushcfunction(state_, function);
    offer(state_, name);
  }
  lua_newuserdatauv(state_, 0, 0);
  luaL_setmetatable(state_, kOnType);
  offer(state_, "on");
}

// Runs a file's top level; its results are left on the stack. `offers` adds to the environment on the top.
bool HookSet::run(const SourceFile& file, const std::function<void()>& offers, int results) {
  std::string error;
  if (!compile(state_, file.text, file.path, error)) {
    add_problem(file.path, error);
    return false;
  }
  push_basics();
  offers();
  lua_setupvalue(state_, -2, 1);  // a chunk's first upvalue is _ENV
  loading_ = &file;
  api_named_ = false;
  int status = LUA_OK;
  {
    const core::PolicyPageFile mark(page_, file.number);
    const CpuLimit::Scope scope(limit_, kFileLimit, file.path);
    status = lua_pcall(state_, 0, results, 0);
  }
  loading_ = nullptr;
  if (status == LUA_OK) return true;
  add_problem(file.path, pop_error(state_));
  return false;
}

bool HookSet::load(const std::vector<SourceFile>& files) {
  for (const SourceFile& file : files) {
    if (file.kind != FileKind::hook && file.kind != FileKind::standard) continue;
    const std::size_t before = hooks_.size(), offs_before = offs_.size();
    if (!run(file, [] {}, 0)) continue;
    if (!api_named_)
      add_problem(file.path, 1,
                  "the file does not say which hook API it is written for: begin it with api(1)");
    if (hooks_.size() == before && offs_.size() == offs_before && file.kind == FileKind::hook)
      warnings_.push_back({file.path, 0, "registers nothing"});
  }
  settle();
  return problems_.empty();
}

// Applies off() and sorts the hooks by event.
void HookSet::settle() {
  std::vector<std::string_view> names;
  for (const Hook& hook : hooks_) names.push_back(hook.name);
  for (const Off& off : offs_) {
    if (std::find(names.begin(), names.end(), off.name) != names.end()) {
      off_.push_back(off.name);
      continue;
    }
    const auto near = base::nearest(off.name, names);
    add_problem(off.file, off.line,
                "off: there is no hook `" + base::printable(off.name, 64) + "`" +
                    (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
  }
  std::erase_if(hooks_, [&](const Hook& hook) {
    const bool gone = std::find(off_.begin(), off_.end(), hook.name) != off_.end();
    if (gone) luaL_unref(state_, LUA_REGISTRYINDEX, hook.function);
    return gone;
  });
  for (std::size_t i = 0; i < hooks_.size(); ++i) {
    const core::EventInfo& event = core::describe(hooks_[i].event);
    by_event_[static_cast<std::size_t>(event.event)].push_back(i);
    if (!event.wired && !hooks_[i].standard)
      warnings_.push_back({hooks_[i].file, hooks_[i].line,
                           "`" + hooks_[i].name + "` waits for " + std::string(event.name) +
                               ", which this fairlead does not ask yet: it is never called"});
  }
}

bool HookSet::run_test_file(const SourceFile& file, int kit_reference) {
  return run(
      file,
      [&] {
        lua_rawgeti(state_, LUA_REGISTRYINDEX, kit_reference);
        offer(state_, "kit");
      },
      0);
}

int HookSet::run_library(const SourceFile& file, const Offers& globals) {
  const bool ran = run(
      file,
      [&] {
        for (const auto& [name, function] : globals) {
          lua_pushcfunction(state_, function);
          offer(state_, name);
        }
      },
      1);
  return ran ? luaL_ref(state_, LUA_REGISTRYINDEX) : LUA_NOREF;
}

}  // namespace fairlead::host
