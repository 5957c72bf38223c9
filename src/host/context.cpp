#include "host/context.hpp"

#include <lauxlib.h>

#include <string>

#include "base/text.hpp"
#include "host/lua_json.hpp"
#include "host/lua_state.hpp"
#include "host/verdict.hpp"

namespace fairlead::host {

namespace {

constexpr const char* kContextType = "fairlead.ctx";
constexpr const char* kMethods = "fairlead.ctx.methods";

std::string join(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : std::string(prefix) + "." + std::string(name);
}

}  // namespace

// Plain data: Lua frees the block and calls no destructor.
struct Contexts::Node {
  std::uint64_t serial;
  core::HookEvent event;
  std::string_view prefix;  // "" for ctx itself, else a part of the table's texts
  base::JsonView value;
};

Contexts::Contexts(lua_State* state) {
  bind_object(state, *this);
  luaL_newmetatable(state, kContextType);
  lua_pushcfunction(state, index);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, assign);
  lua_setfield(state, -2, "__newindex");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 1);
  // Every builder once: event -> method -> function.
  lua_newtable(state);
  for (const core::EventInfo& event : core::all_events()) {
    lua_newtable(state);
    for (const core::VerdictForm& form : event.verdicts) {
      push_builder(state, form);
      lua_setfield(state, -2, form.method.data());
    }
    lua_pushcfunction(state, random);
    lua_setfield(state, -2, "random");
    lua_rawseti(state, -2, static_cast<lua_Integer>(event.event));
  }
  lua_setfield(state, LUA_REGISTRYINDEX, kMethods);
}

void Contexts::push(lua_State* state, core::HookEvent event, base::JsonView fields) {
  ++serial_;
  random_ = static_cast<std::uint64_t>(fields["seed"].integer(1));
  push_node(state, {serial_, event, {}, fields});
}

void Contexts::push_node(lua_State* state, const Node& node) {
  *static_cast<Node*>(lua_newuserdatauv(state, sizeof(Node), 0)) = node;
  luaL_setmetatable(state, kContextType);
}

int Contexts::index(lua_State* state) {
  const auto& node = *static_cast<const Node*>(luaL_checkudata(state, 1, kContextType));
  auto& self = bound_object<Contexts>(state);
  if (node.serial != self.serial_)
    return luaL_error(state, "this ctx is over: it can be used only inside the call that it was made for");
  if (lua_type(state, 2) != LUA_TSTRING)
    return luaL_error(state, "fields of ctx have names, not a %s", luaL_typename(state, 2));
  return self.look_up(state, node, lua_tostring(state, 2));
}

int Contexts::look_up(lua_State* state, const Node& node, const char* name) {
  if (node.prefix.empty()) {  // a method?
    lua_getfield(state, LUA_REGISTRYINDEX, kMethods);
    lua_rawgeti(state, -1, static_cast<lua_Integer>(node.event));
    lua_pushvalue(state, 2);
    if (lua_rawget(state, -2) != LUA_TNIL) return 1;
    lua_pop(state, 3);
  }
  const core::EventInfo& event = core::describe(node.event);
  std::string problem;
  const std::string path = join(node.prefix, name);
  if (const core::EventField* field = core::find_field(event, path)) {
    const base::JsonView value = node.value[name];
    if (value.exists() || field->nilable) {
      push_json(state, value);
      return 1;
    }
    problem = "ctx." + path + " was not given";
  } else if (core::path_kind(event, path) == core::PathKind::group) {
    std::string_view below = core::names_below(event, path).front();  // a part of the table's text …
    const std::string_view prefix(below.data() - path.size() - 1,
                                  path.size());  // … and so is what leads to it
    push_node(state, {node.serial, node.event, prefix, node.value[name]});
    return 1;
  } else {
    const auto names = core::names_below(event, node.prefix);
    const auto near = base::nearest(name, names);
    problem = "`" + base::printable(name, 60) + "` is no field of " +
              (node.prefix.empty() ? "the ctx of " : "`ctx.") +
              (node.prefix.empty() ? std::string(event.name)
                                   : std::string(node.prefix) + "` of " + std::string(event.name)) +
              (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?");
  }
  raise_error(state, problem);
}

int Contexts::assign(lua_State* state) {
  return luaL_error(state, "ctx cannot be written to: a hook answers with a verdict");
}

// SplitMix64: good enough for jitter and sampling, and the same everywhere.
double Contexts::next_random() {
  random_ += 0x9E3779B97F4A7C15u;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) / 9007199254740992.0;  // 53 bits: 0 to below 1
}

// As math.random: () a number from 0 to below 1, (n) an integer from 1 to n, (m, n) one from m to n.
int Contexts::random(lua_State* state) {
  const double fraction = bound_object<Contexts>(state).next_random();
  if (lua_gettop(state) == 0) {
    lua_pushnumber(state, fraction);
    return 1;
  }
  const lua_Integer low = lua_gettop(state) == 1 ? 1 : luaL_checkinteger(state, 1);
  const lua_Integer high = luaL_checkinteger(state, lua_gettop(state) == 1 ? 1 : 2);
  constexpr lua_Integer kMost = 1LL << 52;
  luaL_argcheck(state, low <= high && low >= -kMost && high <= kMost, 1, "from m to n, m not above n");
  lua_pushinteger(state, low + static_cast<lua_Integer>(fraction * static_cast<double>(high - low + 1)));
  return 1;
}

}  // namespace fairlead::host
