#include "host/verdict.hpp"

#include <lauxlib.h>

#include <cstdio>

#include "base/json.hpp"
#include "base/text.hpp"
#include "host/lua_state.hpp"

namespace fairlead::host {

namespace {

constexpr const char* kVerdictType = "fairlead.verdict";
constexpr std::size_t kMostText = 1024;

// Plain data: Lua frees the block and calls no destructor. Texts are its user value.
struct Verdict {
  const core::VerdictForm* form;
  double seconds[core::VerdictForm::kMostArguments];
  bool given[core::VerdictForm::kMostArguments];
};

double check_seconds(lua_State* state, int at) {
  const double seconds = seconds_at(state, at);
  const bool fine = seconds >= 0 && seconds <= static_cast<double>(core::kMostSeconds);
  luaL_argcheck(state, fine, at, "a duration is wanted: seconds, or a text such as \"5m\"");
  return seconds;
}

const char* check_text(lua_State* state, int at) {
  luaL_argcheck(state, lua_type(state, at) == LUA_TSTRING, at, "a text is wanted");
  std::size_t size = 0;
  const char* text = lua_tolstring(state, at, &size);
  luaL_argcheck(state, size <= kMostText && size == std::char_traits<char>::length(text), at,
                "a text of at most 1024 bytes is wanted");
  return text;
}

int build(lua_State* state) {
  const auto& form = *static_cast<const core::VerdictForm*>(lua_touserdata(state, lua_upvalueindex(1)));
  core::VerdictArgument arguments[core::VerdictForm::kMostArguments];
  const auto count = static_cast<int>(form.arguments(arguments));
  if (lua_gettop(state) > count)
    return luaL_error(state, "%s takes (%s): %d arguments are too many", form.method.data(),
                      form.signature.data(), lua_gettop(state));
  lua_settop(state, count);
  auto* verdict =
      static_cast<Verdict*>(lua_newuserdatauv(state, sizeof(Verdict), core::VerdictForm::kMostArguments));
  *verdict = Verdict{&form, {}, {}};
  luaL_setmetatable(state, kVerdictType);
  for (int i = 0; i < count; ++i) {
    const core::VerdictArgument& argument = arguments[i];
    if (lua_isnil(state, i + 1)) {
      luaL_argcheck(state, argument.optional, i + 1, argument.name == "why" ? "say why" : "it is missing");
      continue;
    }
    verdict->given[i] = true;
    if (argument.type == core::FieldType::duration) {
      verdict->seconds[i] = check_seconds(state, i + 1);
    } else {
      check_text(state, i + 1);
      lua_pushvalue(state, i + 1);
      lua_setiuservalue(state, -2, i + 1);
    }
  }
  return 1;
}

std::string builders_of(const core::EventInfo& event) {
  std::string names;
  for (const auto& form : event.verdicts)
    names += (names.empty() ? "ctx." : ", ctx.") + std::string(form.method) + "(" +
             std::string(form.signature) + ")";
  return names;
}

}  // namespace

void open_verdicts(lua_State* state) {
  luaL_newmetatable(state, kVerdictType);
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 1);
}

void push_builder(lua_State* state, const core::VerdictForm& form) {
  lua_pushlightuserdata(state, const_cast<core::VerdictForm*>(&form));  // Lua has no pointers to const
  lua_pushcclosure(state, build, 1);
}

base::Result<std::string> verdict_json(lua_State* state, int index, const core::EventInfo& event) {
  const int at = lua_absindex(state, index);
  const auto* verdict = static_cast<const Verdict*>(luaL_testudata(state, at, kVerdictType));
  if (verdict == nullptr || verdict->form->event != event.event) {
    const std::string got =
        verdict != nullptr ? "a verdict of another event" : std::string(luaL_typename(state, at));
    return base::Error{
        base::Code::bad_request,
        "returned " + got + ", not a verdict: use " + builders_of(event) + ", or nil for no opinion",
        {}};
  }
  std::string json = "{\"verdict\":\"" + std::string(verdict->form->method) + "\"";
  core::VerdictArgument arguments[core::VerdictForm::kMostArguments];
  const auto count = static_cast<int>(verdict->form->arguments(arguments));
  for (int i = 0; i < count; ++i) {
    if (!verdict->given[i]) continue;
    json += ",\"" + std::string(arguments[i].name) + "\":";
    if (arguments[i].type == core::FieldType::duration) {
      char number[32];
      std::snprintf(number, sizeof number, "%.15g", verdict->seconds[i]);
      json += number;
    } else {
      lua_getiuservalue(state, at, i + 1);
      json += base::Json(base::to_utf8(lua_tostring(state, -1))).dump();
      lua_pop(state, 1);
    }
  }
  return json + "}";
}

}  // namespace fairlead::host
