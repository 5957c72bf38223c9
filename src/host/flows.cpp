#include "host/flows.hpp"

#include <lauxlib.h>

#include <utility>
#include <vector>

#include "base/text.hpp"
#include "host/lua_json.hpp"
#include "host/lua_state.hpp"

namespace fairlead::host {

namespace {

constexpr const char* kFlowType = "fairlead.flow";

// The arguments on the stack as one object.
base::Result<base::Json> collect(lua_State* state, const core::EffectInfo& effect) {
  const int given = lua_gettop(state);
  if (effect.call == core::EffectCall::named) {
    if (given != 1 || !lua_istable(state, 1))
      return base::Error{
          base::Code::bad_request,
          "flow." + std::string(effect.name) + " takes one table: flow." + std::string(effect.name) + "{ … }",
          {}};
    return to_json(state, 1);
  }
  if (given > static_cast<int>(effect.arguments.size()))
    return base::Error{
        base::Code::bad_request, "flow." + std::string(effect.name) + " has too many arguments", {}};
  base::Json arguments = base::Json::object();
  for (int i = 1; i <= given; ++i) {
    if (lua_isnil(state, i)) continue;
    auto value = to_json(state, i);
    if (!value) return value.error();
    arguments.set(effect.arguments[static_cast<std::size_t>(i - 1)].name, std::move(*value));
  }
  return arguments;
}

}  // namespace

Flows::Flows(Calls::Parts parts) : parts_(parts) {
  lua_State* state = parts_.state;
  bind_object(state, *this);
  luaL_newmetatable(state, kFlowType);
  lua_pushcfunction(state, unknown_name);
  lua_setfield(state, -2, "__index");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 1);
}

int Flows::unknown_name(lua_State* state) {
  std::vector<std::string_view> names = {"clock"};
  for (const core::EffectInfo& effect : core::all_effects()) names.push_back(effect.name);
  const std::string name = base::printable(luaL_tolstring(state, 2, nullptr), 60);
  const auto near = base::nearest(name, names);
  raise_error(state, "`" + name + "` is no part of flow" +
                         (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
}

// A fresh `flow` for each run: what a script does to its own harms no other. "store.get" goes into
// flow.store.
void Flows::push_handle(lua_State* state) {
  lua_newtable(state);
  for (const core::EffectInfo& effect : core::all_effects()) {
    const auto dot = effect.name.find('.');
    lua_pushvalue(state, -1);
    if (dot != std::string_view::npos) {
      const std::string group(effect.name.substr(0, dot));
      if (lua_getfield(state, -1, group.c_str()) == LUA_TNIL) {
        lua_pop(state, 1);
        lua_newtable(state);
        lua_pushvalue(state, -1);
        lua_setfield(state, -3, group.c_str());
      }
      lua_remove(state, -2);
    }
    lua_pushinteger(state, static_cast<lua_Integer>(effect.effect));
    lua_pushcclosure(state, Flows::effect, 1);
    lua_setfield(state, -2,
                 std::string(effect.name.substr(dot == std::string_view::npos ? 0 : dot + 1)).c_str());
    lua_pop(state, 1);
  }
  for (const char* group : {"store", "tunnel"}) {
    lua_getfield(state, -1, group);
    luaL_setmetatable(state, kFlowType);
    lua_pop(state, 1);
  }
  luaL_setmetatable(state, kFlowType);
}

void Flows::set_clock(const Flow& flow, base::JsonView clock) {
  lua_State* state = parts_.state;
  lua_rawgeti(state, LUA_REGISTRYINDEX, flow.handle_reference);
  lua_pushliteral(state, "clock");
  push_json(state, clock);
  lua_rawset(state, -3);
  lua_pop(state, 1);
}

int Flows::effect(lua_State* state) {
  auto& self = bound_object<Flows>(state);
  const core::EffectInfo& effect =
      core::describe(static_cast<core::Effect>(lua_tointeger(state, lua_upvalueindex(1))));
  if (self.running_ == nullptr || self.running_->thread != state)
    raise_error(state, "flow." + std::string(effect.name) +
                           " works in the flow itself, not in a hook or a coroutine of its own");
  const auto arguments = collect(state, effect);
  if (!arguments) raise_error(state, arguments.error().message);
  if (auto fine = core::check_arguments(effect, arguments->view()); !fine)
    raise_error(state, fine.error().message);
  self.wanted_ = Step{Step::Kind::effect, effect.effect, arguments->dump(), {}};
  return lua_yieldk(state, 0, 0, &Flows::after_effect);
}

// What resume() pushed: value, message, whether to raise.
int Flows::after_effect(lua_State* state, int /*status*/, lua_KContext /*context*/) {
  if (lua_toboolean(state, -1) != 0) raise_error(state, lua_tostring(state, -2));
  lua_pop(state, 1);
  if (!lua_isnil(state, -1)) return 2;  // nil and why
  lua_pop(state, 1);
  return 1;
}

Flows::Step Flows::start(std::uint64_t id, std::size_t hook, base::JsonView clock,
                         std::chrono::milliseconds limit) {
  lua_State* state = parts_.state;
  Flow& flow = flows_[id];
  flow.hook = hook;
  flow.thread = lua_newthread(state);
  flow.thread_reference = luaL_ref(state, LUA_REGISTRYINDEX);
  push_handle(state);
  lua_pushvalue(state, -1);
  flow.handle_reference = luaL_ref(state, LUA_REGISTRYINDEX);
  lua_rawgeti(flow.thread, LUA_REGISTRYINDEX, parts_.hooks.hooks()[hook].function);
  lua_xmove(state, flow.thread, 1);
  set_clock(flow, clock);
  return run(id, flow, 1, limit);
}

Flows::Step Flows::resume(std::uint64_t id, const Answer& answer, base::JsonView clock,
                          std::chrono::milliseconds limit) {
  Flow& flow = flows_.at(id);
  set_clock(flow, clock);
  if (answer.good) {
    push_json(flow.thread, answer.value);
    lua_pushnil(flow.thread);
  } else {
    lua_pushnil(flow.thread);
    lua_pushlstring(flow.thread, answer.message.data(), answer.message.size());
  }
  lua_pushboolean(flow.thread, !answer.good && answer.raise ? 1 : 0);
  return run(id, flow, 3, limit);
}

Flows::Step Flows::run(std::uint64_t id, Flow& flow, int arguments, std::chrono::milliseconds limit) {
  const Hook& hook = parts_.hooks.hooks()[flow.hook];
  const Flow* outer = std::exchange(running_, &flow);
  int results = 0;
  int status = LUA_OK;
  {
    const core::PolicyPageMark mark(parts_.page, core::kFlowOnPage | id, flow.hook, monotonic_now());
    const CpuLimit::Scope scope(parts_.limit, limit, hook.name);
    status = lua_resume(flow.thread, parts_.state, arguments, &results);
  }
  running_ = outer;
  if (status == LUA_YIELD && wanted_.kind == Step::Kind::effect) {
    lua_pop(flow.thread, results);
    return std::exchange(wanted_, Step{});
  }
  Step step;
  if (status == LUA_YIELD) {
    step = {Step::Kind::failed,
            {},
            {},
            hook.file + ":" + std::to_string(hook.line) +
                ": a flow waits by its effects, not by coroutine.yield"};
  } else if (status != LUA_OK) {
    step = {Step::Kind::failed, {}, {}, pop_error(flow.thread)};
  }
  forget(id);
  return step;
}

void Flows::cancel(std::uint64_t id) {
  if (waits(id)) forget(id);
}

// The thread is dropped as it stands: its pending to-be-closed variables are not run, which nothing here
// needs.
void Flows::forget(std::uint64_t id) {
  const Flow& flow = flows_.at(id);
  luaL_unref(parts_.state, LUA_REGISTRYINDEX, flow.thread_reference);
  luaL_unref(parts_.state, LUA_REGISTRYINDEX, flow.handle_reference);
  flows_.erase(id);
}

}  // namespace fairlead::host
