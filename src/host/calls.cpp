#include "host/calls.hpp"

#include <lauxlib.h>

#include <optional>
#include <utility>

#include "base/text.hpp"
#include "host/lua_json.hpp"
#include "host/lua_state.hpp"
#include "host/verdict.hpp"

namespace fairlead::host {

namespace {

void append_pair(std::string& list, std::size_t hook, const char* key, const std::string& json) {
  list += (list.empty() ? "" : ",");
  list += "{\"hook\":" + std::to_string(hook) + ",\"" + key + "\":" + json + "}";
}

}  // namespace

struct Calls::Outcome {
  std::string members;  // `,"verdict":…`, ready for the reply
  std::string failed;   // elements of the list
  std::string asked;    // the same, where the call wants an explanation
  bool explain = false;

  void said(std::size_t hook, const std::string& json) {
    if (explain) append_pair(asked, hook, "said", json);
  }
  void fail(std::size_t hook, const std::string& message) {
    append_pair(failed, hook, "message", base::Json(message).dump());
  }
};

// Calls the function of `hook` with the `arguments` values on the top of the stack. True: one result is on
// the stack.
bool Calls::invoke(std::size_t number, std::uint64_t call, int arguments, std::string& error) {
  const Hook& hook = parts_.hooks.hooks()[number];
  lua_State* state = parts_.state;
  lua_rawgeti(state, LUA_REGISTRYINDEX, hook.function);
  lua_insert(state, -1 - arguments);
  int status = LUA_OK;
  {
    const core::PolicyPageMark mark(parts_.page, call, number, monotonic_now());
    const CpuLimit::Scope scope(parts_.limit, limit(hook.event), hook.name);
    status = lua_pcall(state, arguments, 1, 0);
  }
  if (status == LUA_OK) return true;
  error = pop_error(state);
  return false;
}

void Calls::decide(const core::EventInfo& event, base::JsonView call, Outcome& outcome) {
  lua_State* state = parts_.state;
  const auto id = static_cast<std::uint64_t>(call["id"].integer());
  parts_.contexts.push(state, event.event, call["ctx"]);
  for (const std::size_t number : parts_.hooks.of(event.event)) {
    std::string error;
    lua_pushvalue(state, -1);
    if (!invoke(number, id, 1, error)) return outcome.fail(number, error);
    if (lua_isnil(state, -1)) {
      lua_pop(state, 1);
      outcome.said(number, "null");
      continue;
    }
    const auto verdict = verdict_json(state, -1, event);
    if (!verdict) {
      const Hook& hook = parts_.hooks.hooks()[number];
      return outcome.fail(number,
                          hook.file + ":" + std::to_string(hook.line) + ": " + verdict.error().message);
    }
    outcome.said(number, *verdict);
    outcome.members = ",\"verdict\":" + *verdict + ",\"hook\":" + std::to_string(number);
    return;
  }
  outcome.members = ",\"verdict\":null";
}

void Calls::transform(const core::EventInfo& event, base::JsonView call, Outcome& outcome) {
  lua_State* state = parts_.state;
  const auto id = static_cast<std::uint64_t>(call["id"].integer());
  parts_.contexts.push(state, event.event, call["ctx"]);
  std::string value = call["value"].dump();
  std::optional<std::size_t> changed_by;  // the last one that did
  const bool is_text = call["value"].is_string();
  for (const std::size_t number : parts_.hooks.of(event.event)) {
    const Hook& hook = parts_.hooks.hooks()[number];
    if (hook.skipped) continue;
    // Each gets a copy of its own: a hook that fails half way has changed nothing.
    const auto current = base::Json::parse(value);
    push_json(state, current->view());
    lua_pushvalue(state, -2);
    std::string error;
    if (!invoke(number, id, 2, error)) {
      outcome.fail(number, error);
      continue;
    }
    const auto result = to_json(state, -1);
    const bool is_nil = lua_isnil(state, -1);
    lua_pop(state, 1);
    const std::string where = hook.file + ":" + std::to_string(hook.line) + ": ";
    if (!result) {
      outcome.fail(number, where + "returned what cannot be sent: " + result.error().message);
    } else if (is_nil && !is_text) {
      outcome.said(number, "null");
      value = "null";
      changed_by = number;
      break;
    } else if (is_text ? !result->view().is_string() : !result->view().is_object()) {
      outcome.fail(number,
                   where + "must return " + (is_text ? "a text" : "the table, changed or not, or nil"));
    } else {
      std::string changed = result->dump();
      if (changed != value) changed_by = number;
      value = std::move(changed);
      outcome.said(number, value);
    }
  }
  outcome.members = ",\"value\":" + value;
  if (changed_by) outcome.members += ",\"hook\":" + std::to_string(*changed_by);
}

void Calls::observe(const core::EventInfo& event, base::JsonView call, Outcome& outcome) {
  const auto id = static_cast<std::uint64_t>(call["id"].integer());
  parts_.contexts.push(parts_.state, event.event, call["ctx"]);
  for (const std::size_t number : parts_.hooks.of(event.event)) {
    if (parts_.hooks.hooks()[number].skipped) continue;
    std::string error;
    lua_pushvalue(parts_.state, -1);
    if (invoke(number, id, 1, error)) {
      lua_pop(parts_.state, 1);
      outcome.said(number, "null");
    } else {
      outcome.fail(number, error);
    }
  }
}

std::string Calls::answer(base::JsonView call) {
  const core::EventInfo* event = core::find_event(call["event"].text());
  std::string reply = "{\"id\":" + std::to_string(call["id"].integer());
  if (event == nullptr || event->kind == core::HookKind::flow) return reply + ",\"failed\":[]}";
  Outcome outcome;
  outcome.explain = call["explain"].boolean();
  const int top = lua_gettop(parts_.state);
  if (event->kind == core::HookKind::decide) decide(*event, call, outcome);
  if (event->kind == core::HookKind::transform) transform(*event, call, outcome);
  if (event->kind == core::HookKind::observe) observe(*event, call, outcome);
  parts_.contexts.end();
  lua_settop(parts_.state, top);
  reply += outcome.members;
  if (!outcome.failed.empty()) reply += ",\"failed\":[" + outcome.failed + "]";
  if (outcome.explain) reply += ",\"asked\":[" + outcome.asked + "]";
  return reply + "}";
}

}  // namespace fairlead::host
