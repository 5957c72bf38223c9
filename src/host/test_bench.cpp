#include "host/test_bench.hpp"

#include <lauxlib.h>

#include <cstdlib>
#include <utility>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "host/lua_json.hpp"
#include "host/lua_state.hpp"

namespace fairlead::host {

namespace {

using std::chrono_literals::operator""ms;

constexpr auto kTestLimit = 2'000ms;  // CPU time of one test; its hooks have their own, shorter ones

// With file and line of the test, and not of the kit, which calls us: the kit is the one library.
[[noreturn]] void raise(lua_State* state, const std::string& message) {
  lua_Debug frame;
  std::string kit, place;
  for (int level = 1; place.empty() && lua_getstack(state, level, &frame) != 0; ++level) {
    lua_getinfo(state, "Sl", &frame);
    if (frame.currentline < 0) continue;  // a function of C
    const std::string file = frame.source;
    if (kit.empty()) kit = file;
    if (file != kit) place = file.substr(1) + ":" + std::to_string(frame.currentline) + ": ";
  }
  const std::string placed = place + message;
  lua_pushlstring(state, placed.data(), placed.size());
  lua_error(state);
  std::abort();  // lua_error does not return
}

base::Json table_at(lua_State* state, int index, const char* what) {
  auto value = to_json(state, index);
  if (!value) raise(state, std::string(what) + ": " + value.error().message);
  return std::move(*value);
}

// A made-up ctx may leave out what the hook does not read, but it cannot hold what the event does not have.
void check_fields(lua_State* state, const core::EventInfo& event, base::JsonView fields,
                  const std::string& prefix) {
  for (const base::JsonView member : fields.items()) {
    const std::string path = prefix + std::string(member.key());
    if (path == "seed") continue;
    const core::PathKind kind = core::path_kind(event, path);
    if (kind == core::PathKind::unknown) {
      const auto names = core::names_below(event, prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1));
      const auto near = base::nearest(member.key(), names);
      raise(state, "`" + base::printable(path, 80) + "` is no field of " + std::string(event.name) +
                       (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
    }
    if (kind == core::PathKind::group) check_fields(state, event, member, path + ".");
  }
}

}  // namespace

TestBench::TestBench(Calls::Parts parts, Calls& calls, Flows& flows)
    : parts_(parts), calls_(calls), flows_(flows) {
  bind_object(parts_.state, *this);
}

TestBench& TestBench::of(lua_State* state) {
  auto& self = bound_object<TestBench>(state);
  if (self.parts_.state != state) raise(state, "kit works in the test itself, not in a coroutine");
  return self;
}

// host_test(name, line, function)
int TestBench::add_test(lua_State* state) {
  TestBench& self = of(state);
  const char* name = luaL_checkstring(state, 1);
  const auto line = static_cast<int>(luaL_checkinteger(state, 2));
  luaL_checktype(state, 3, LUA_TFUNCTION);
  lua_settop(state, 3);
  self.tests_.push_back(
      {name, self.file_->path, self.file_->number, line, luaL_ref(state, LUA_REGISTRYINDEX)});
  return 0;
}

// host_fire(event, ctx, value) -> what the reply holds, hooks by name
int TestBench::fire(lua_State* state) {
  TestBench& self = of(state);
  const std::string name = luaL_checkstring(state, 1);
  const core::EventInfo* event = core::find_event(name);
  if (event == nullptr || event->kind == core::HookKind::flow)
    raise(state, "there is no event `" + base::printable(name, 60) + "` to fire");
  base::Json fields = table_at(state, 2, "ctx");
  check_fields(state, *event, fields.view(), {});
  base::Json call = base::Json::object();
  call.set("id", self.next_id_++).set("event", name).set("ctx", std::move(fields)).set("explain", true);
  if (event->kind == core::HookKind::transform) call.set("value", table_at(state, 3, "value"));
  auto reply = base::Json::parse(self.calls_.answer(call.view()));
  push_json(state, reply->view());
  const auto hook = reply->view()["hook"];
  if (hook.exists()) {
    lua_pushstring(state, self.parts_.hooks.hooks()[static_cast<std::size_t>(hook.integer())].name.c_str());
    lua_setfield(state, -2, "hook");
  }
  return 1;
}

int TestBench::push_step(lua_State* state, std::uint64_t id, const Flows::Step& step) {
  base::Json result = base::Json::object();
  result.set("id", id);
  if (step.kind == Flows::Step::Kind::effect) {
    result.set("effect", core::describe(step.effect).name);
    result.set("arguments", std::move(*base::Json::parse(step.arguments)));
  } else if (step.kind == Flows::Step::Kind::failed) {
    result.set("failed", step.message);
  }
  push_json(state, result.view());
  return 1;
}

// host_flow_start(name, clock) -> {id, effect, arguments} or {id, failed} or {id}
int TestBench::flow_start(lua_State* state) {
  TestBench& self = of(state);
  const std::string name = luaL_checkstring(state, 1);
  const base::Json clock = table_at(state, 2, "clock");
  for (const std::size_t number : self.parts_.hooks.of(core::HookEvent::every)) {
    if (self.parts_.hooks.hooks()[number].name != name) continue;
    const std::uint64_t id = self.next_id_++;
    return self.push_step(
        state, id, self.flows_.start(id, number, clock.view(), self.calls_.limit(core::HookEvent::every)));
  }
  raise(state, "there is no flow `" + base::printable(name, 64) + "`");
}

// host_flow_resume(id, clock, value, message, raise) -> as host_flow_start
int TestBench::flow_resume(lua_State* state) {
  TestBench& self = of(state);
  const auto id = static_cast<std::uint64_t>(luaL_checkinteger(state, 1));
  const base::Json clock = table_at(state, 2, "clock");
  const base::Json value = table_at(state, 3, "answer");
  Flows::Answer answer;
  answer.value = value.view();
  answer.good = lua_isnoneornil(state, 4);
  if (!answer.good) answer.message = luaL_checkstring(state, 4);
  answer.raise = lua_toboolean(state, 5) != 0;
  if (!self.flows_.waits(id)) raise(state, "this flow has ended");
  return self.push_step(
      state, id, self.flows_.resume(id, answer, clock.view(), self.calls_.limit(core::HookEvent::every)));
}

// host_flows() -> {{name, seconds}, …}
int TestBench::flows(lua_State* state) {
  const TestBench& self = of(state);
  base::Json list = base::Json::array();
  for (const std::size_t number : self.parts_.hooks.of(core::HookEvent::every)) {
    const Hook& hook = self.parts_.hooks.hooks()[number];
    list.push(std::move(base::Json::object().set("name", hook.name).set("seconds", hook.every_seconds)));
  }
  push_json(state, list.view());
  return 1;
}

// host_seconds("5m") -> 300
int TestBench::seconds(lua_State* state) {
  const auto parsed = base::parse_duration(luaL_checkstring(state, 1));
  if (!parsed) raise(state, "a duration is wanted: seconds, or a text such as \"5m\"");
  lua_pushnumber(state, static_cast<double>(parsed->count()) / 1000.0);
  return 1;
}

// host_check_answers(answers): its keys must be names of effects
int TestBench::check_answers(lua_State* state) {
  (void)of(state);
  if (!lua_istable(state, 1)) raise(state, "the answers are a table: the name of an effect to its answer");
  lua_pushnil(state);
  while (lua_next(state, 1) != 0) {
    const std::string name = luaL_tolstring(state, -2, nullptr);
    lua_pop(state, 2);
    if (core::find_effect(name) != nullptr) continue;
    std::vector<std::string_view> names;
    for (const core::EffectInfo& effect : core::all_effects()) names.push_back(effect.name);
    const auto near = base::nearest(name, names);
    raise(state, "the answers name an effect that there is not: `" + base::printable(name, 60) + "`" +
                     (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
  }
  return 0;
}

base::Json TestBench::run_test(const Test& test) {
  lua_State* state = parts_.state;
  base::Json result = base::Json::object();
  result.set("name", test.name).set("file", test.file).set("line", test.line);
  lua_rawgeti(state, LUA_REGISTRYINDEX, test.function);
  int status = LUA_OK;
  {
    const core::PolicyPageFile mark(parts_.page, test.file_number);
    const CpuLimit::Scope scope(parts_.limit, kTestLimit, test.name);
    status = lua_pcall(state, 0, 0, 0);
  }
  result.set("ok", status == LUA_OK);
  if (status != LUA_OK) result.set("message", pop_error(state));
  return result;
}

base::Json TestBench::run(const std::vector<SourceFile>& files) {
  const HookSet::Offers offers = {{"host_test", add_test},
                                  {"host_fire", fire},
                                  {"host_flows", flows},
                                  {"host_flow_start", flow_start},
                                  {"host_seconds", seconds},
                                  {"host_flow_resume", flow_resume},
                                  {"host_check_answers", check_answers}};
  int kit = LUA_NOREF;
  for (const SourceFile& file : files)
    if (file.kind == FileKind::library) kit = parts_.hooks.run_library(file, offers);
  for (const SourceFile& file : files) {
    if (file.kind != FileKind::test) continue;
    file_ = &file;
    parts_.hooks.run_test_file(file, kit);
  }
  base::Json results = base::Json::array();
  for (const Test& test : tests_) results.push(run_test(test));
  base::Json answer = base::Json::object();
  answer.set("tests", std::move(results)).set("problems", as_json(parts_.hooks.problems()));
  return answer;
}

}  // namespace fairlead::host
