#include "host/lua_json.hpp"

#include <lauxlib.h>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace fairlead::host {

namespace {

constexpr int kMostLevels = 16;
constexpr std::size_t kMostBytes = 256u << 10;
constexpr std::size_t kMostMembers = 10'000;

base::Error refuse(const std::string& what) {
  return {base::Code::bad_request, what, {}};
}

class Converter {
 public:
  explicit Converter(lua_State* state) : state_(state) {}

  base::Result<base::Json> convert(int index, int level) {
    switch (lua_type(state_, index)) {
      case LUA_TNIL:
        return base::Json();
      case LUA_TBOOLEAN:
        return base::Json(lua_toboolean(state_, index) != 0);
      case LUA_TNUMBER:
        return number(index);
      case LUA_TSTRING:
        return text(index);
      case LUA_TTABLE:
        if (level >= kMostLevels) return refuse("tables are nested more than 16 deep, or in a circle");
        if (lua_checkstack(state_, 8) == 0) return refuse("tables are nested too deep");
        return table(lua_absindex(state_, index), level);
      default:
        return refuse("a " + std::string(luaL_typename(state_, index)) + " cannot be sent");
    }
  }

 private:
  base::Result<> spend(std::size_t bytes) {
    spent_ += bytes;
    if (++members_ > kMostMembers) return refuse("more than 10000 values");
    if (spent_ > kMostBytes) return refuse("more than 256 KiB");
    return base::success();
  }

  base::Result<base::Json> number(int index) {
    const double value = lua_tonumber(state_, index);
    if (!std::isfinite(value)) return refuse("a number that is not finite");
    if (auto within = spend(8); !within) return within.error();
    return base::Json(value);
  }

  base::Result<base::Json> text(int index) {
    std::size_t size = 0;
    const char* data = lua_tolstring(state_, index, &size);
    const std::string_view value(data, size);
    if (value.find('\0') != std::string_view::npos) return refuse("a text with a NUL byte");
    if (auto within = spend(size); !within) return within.error();
    return base::Json(base::to_utf8(value));
  }

  base::Result<base::Json> table(int index, int level) {
    const auto length = lua_rawlen(state_, index);
    if (length > 0) return array(index, length, level);
    base::Json object = base::Json::object();
    lua_pushnil(state_);
    while (lua_next(state_, index) != 0) {
      if (lua_type(state_, -2) != LUA_TSTRING) {
        lua_pop(state_, 2);
        return refuse("a table has keys that are neither texts nor 1..n");
      }
      std::size_t size = 0;
      const char* key = lua_tolstring(state_, -2, &size);
      auto within = spend(size);
      auto member = within ? convert(-1, level + 1) : base::Result<base::Json>(within.error());
      if (!member) {
        lua_pop(state_, 2);
        return member.error();
      }
      object.set(base::to_utf8({key, size}), std::move(*member));
      lua_pop(state_, 1);
    }
    return object;
  }

  base::Result<base::Json> array(int index, lua_Unsigned length, int level) {
    if (length > kMostMembers) return refuse("more than 10000 values");
    base::Json array = base::Json::array();
    for (lua_Unsigned i = 1; i <= length; ++i) {
      lua_rawgeti(state_, index, static_cast<lua_Integer>(i));
      auto element = convert(-1, level + 1);
      lua_pop(state_, 1);
      if (!element) return element.error();
      array.push(std::move(*element));
    }
    lua_Unsigned members = 0;
    lua_pushnil(state_);
    while (lua_next(state_, index) != 0) {
      lua_pop(state_, 1);
      ++members;
    }
    if (members != length) return refuse("a table mixes 1..n with other keys");
    return array;
  }

  lua_State* state_;
  std::size_t spent_ = 0;
  std::size_t members_ = 0;
};

}  // namespace

void push_json(lua_State* state, base::JsonView value) {
  luaL_checkstack(state, 6, "a value is nested too deep");
  if (value.is_string()) {
    lua_pushlstring(state, value.text().data(), value.text().size());
  } else if (value.is_bool()) {
    lua_pushboolean(state, value.boolean() ? 1 : 0);
  } else if (value.is_number()) {
    const double number = value.number();
    if (number == std::floor(number) && std::fabs(number) < 1e15)
      lua_pushinteger(state, static_cast<lua_Integer>(number));
    else
      lua_pushnumber(state, number);
  } else if (value.is_array()) {
    lua_createtable(state, static_cast<int>(value.size()), 0);
    lua_Integer at = 0;
    for (const base::JsonView element : value.items()) {
      push_json(state, element);
      lua_rawseti(state, -2, ++at);
    }
  } else if (value.is_object()) {
    lua_createtable(state, 0, static_cast<int>(value.size()));
    for (const base::JsonView member : value.items()) {
      lua_pushlstring(state, member.key().data(), member.key().size());
      push_json(state, member);
      lua_rawset(state, -3);
    }
  } else {
    lua_pushnil(state);
  }
}

base::Result<base::Json> to_json(lua_State* state, int index) {
  return Converter(state).convert(index, 0);
}

}  // namespace fairlead::host
