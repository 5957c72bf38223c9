#include "host/lua_state.hpp"

#include <lauxlib.h>
#include <lualib.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace fairlead::host {

namespace {

struct Library {
  const char* name;
  lua_CFunction open;
};
constexpr Library kLibraries[] = {
    {LUA_STRLIBNAME, luaopen_string}, {LUA_TABLIBNAME, luaopen_table},    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_UTF8LIBNAME, luaopen_utf8},  {LUA_COLIBNAME, luaopen_coroutine},
};

// What is left of the base library. Not there: load, loadfile, dofile (code comes from files alone),
// collectgarbage, rawset and rawget (would reach around the checks of environments), print and warn (`log` is
// there), and getmetatable.
constexpr const char* kBase[] = {"assert",   "error",    "ipairs", "next",   "pairs",    "pcall", "select",
                                 "tonumber", "tostring", "type",   "xpcall", "rawequal", "rawlen"};

// Functions of the libraries that are taken out: random numbers come from ctx.random, which a replay repeats;
// string.dump makes binary chunks.
constexpr const char* kTakenOut[][2] = {{"math", "random"}, {"math", "randomseed"}, {"string", "dump"}};

// The keys in the registry under which this file keeps its own.
constexpr const char* kPristine = "fairlead.libraries";
constexpr const char* kEnvironmentMeta = "fairlead.environment";

// setmetatable without finalizers: they would run outside of every limit. Lua looks for __gc only now, so one
// that is added to the metatable later is never called.
int set_metatable(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  luaL_argexpected(state, lua_isnoneornil(state, 2) || lua_istable(state, 2), 2, "nil or table");
  if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL)
    return luaL_error(state, "cannot change a protected metatable");
  if (lua_istable(state, 2)) {
    lua_pushliteral(state, "__gc");
    if (lua_rawget(state, 2) != LUA_TNIL) return luaL_error(state, "hooks have no finalizers: remove __gc");
  }
  lua_settop(state, 2);
  lua_setmetatable(state, 1);
  return 1;
}

std::vector<std::string> names_of(lua_State* state, int table) {
  std::vector<std::string> names;
  lua_pushnil(state);
  while (lua_next(state, table) != 0) {
    if (lua_type(state, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(state, -2));
    lua_pop(state, 1);
  }
  return names;
}

std::string suggestion(lua_State* state, std::string_view name) {
  const int top = lua_gettop(state);
  luaL_getmetatable(state, kEnvironmentMeta);
  std::vector<std::string> names;
  if (lua_istable(state, 1)) names = names_of(state, 1);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string near(base::nearest(name, views));
  lua_settop(state, top);
  return near.empty() ? std::string() : "; did you mean `" + near + "`?";
}

int unknown_global(lua_State* state) {
  const std::string name = base::printable(luaL_tolstring(state, 2, nullptr), 60);
  raise_error(state, "`" + name + "` is no global of hooks" + suggestion(state, name));
}

int undeclared_global(lua_State* state) {
  const std::string name = base::printable(luaL_tolstring(state, 2, nullptr), 60);
  raise_error(state, "assignment to the undeclared global `" + name + "`: write `local " + name + "`");
}

// Leaves a table of the libraries and base functions in the registry, made once; every environment gets
// copies.
void make_pristine(lua_State* state) {
  luaL_requiref(state, LUA_GNAME, luaopen_base, 0);
  lua_newtable(state);
  for (const char* name : kBase) {
    lua_getfield(state, -2, name);
    lua_setfield(state, -2, name);
  }
  lua_pushcfunction(state, set_metatable);
  lua_setfield(state, -2, "setmetatable");
  for (const Library& library : kLibraries) {
    luaL_requiref(state, library.name, library.open, 0);
    for (const auto& taken : kTakenOut) {
      if (std::strcmp(taken[0], library.name) != 0) continue;
      lua_pushnil(state);
      lua_setfield(state, -2, taken[1]);
    }
    lua_setfield(state, -2, library.name);
  }
  lua_setfield(state, LUA_REGISTRYINDEX, kPristine);
  lua_pop(state, 1);

  // Methods of strings work, but the table behind them cannot be reached.
  lua_pushliteral(state, "");
  lua_getmetatable(state, -1);
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 2);

  luaL_newmetatable(state, kEnvironmentMeta);
  lua_pushcfunction(state, unknown_global);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, undeclared_global);
  lua_setfield(state, -2, "__newindex");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 1);
}

// Copies the table at `from` into a new one on the top of the stack; tables in it, one level deep, too.
void push_copy(lua_State* state, int from, bool deep) {
  lua_newtable(state);
  lua_pushnil(state);
  while (lua_next(state, from) != 0) {
    lua_pushvalue(state, -2);
    if (deep && lua_istable(state, -2))
      push_copy(state, lua_gettop(state) - 1, false);
    else
      lua_pushvalue(state, -2);
    lua_rawset(state, -5);
    lua_pop(state, 1);
  }
}

}  // namespace

LuaState::LuaState(std::size_t heap_limit) {
  heap_.limit = heap_limit;
  state_ = lua_newstate(&LuaState::allocate, &heap_);
  if (state_ == nullptr) std::abort();  // a few kilobytes were not to be had
  make_pristine(state_);
}

LuaState::~LuaState() {
  lua_close(state_);
}

void* LuaState::allocate(void* heap, void* block, std::size_t old_size, std::size_t new_size) {
  auto& account = *static_cast<Heap*>(heap);
  if (block == nullptr) old_size = 0;  // it holds the kind of object then
  if (new_size == 0) {
    std::free(block);
    account.used -= old_size;
    return nullptr;
  }
  if (new_size > old_size && account.used - old_size + new_size > account.limit) return nullptr;
  void* grown = std::realloc(block, new_size);
  if (grown != nullptr) account.used = account.used - old_size + new_size;
  return grown;
}

void push_environment(lua_State* state) {
  lua_getfield(state, LUA_REGISTRYINDEX, kPristine);
  push_copy(state, lua_gettop(state), true);
  lua_remove(state, -2);
  luaL_setmetatable(state, kEnvironmentMeta);
}

void offer(lua_State* state, const char* name) {
  lua_pushstring(state, name);
  lua_insert(state, -2);
  lua_rawset(state, -3);
}

void raise_error(lua_State* state, std::string_view message) {
  luaL_where(state, 1);
  lua_pushlstring(state, message.data(), message.size());
  lua_concat(state, 2);
  lua_error(state);
  std::abort();  // lua_error does not return
}

double seconds_at(lua_State* state, int at) {
  if (lua_type(state, at) == LUA_TNUMBER) return lua_tonumber(state, at);
  if (lua_type(state, at) != LUA_TSTRING) return -1;
  const auto parsed = base::parse_duration(lua_tostring(state, at));
  return parsed ? static_cast<double>(parsed->count()) / 1000.0 : -1;
}

std::string pop_error(lua_State* state) {
  std::size_t size = 0;
  const char* text = lua_type(state, -1) == LUA_TSTRING ? lua_tolstring(state, -1, &size) : nullptr;
  std::string message =
      text != nullptr ? base::printable({text, size}, 1024)
                      : "an error value that is no text (" + std::string(luaL_typename(state, -1)) + ")";
  lua_pop(state, 1);
  return message.empty() ? "an empty error" : message;
}

bool compile(lua_State* state, std::string_view text, const std::string& path, std::string& error) {
  const std::string chunk_name = "@" + path;
  if (luaL_loadbufferx(state, text.data(), text.size(), chunk_name.c_str(), "t") == LUA_OK) return true;
  error = pop_error(state);
  return false;
}

}  // namespace fairlead::host
