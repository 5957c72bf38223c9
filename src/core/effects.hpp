// What a flow can ask for, from effects.def. Pure; shared by the daemon (checks, allows, performs) and
// fairlead-host (offers the functions).
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::core {

enum class Effect : std::uint8_t {
#define EFFECT(id, name, call, allowed_by, meaning, returns) id,
#define ARGUMENT(effect, name, type, optional, meaning)
#include "core/effects.def"
#undef EFFECT
#undef ARGUMENT
};

enum class EffectCall : std::uint8_t { positional, named };
enum class ArgumentType : std::uint8_t { text, duration, integer, list, map, any };
std::string_view to_string(ArgumentType type);

struct EffectArgument {
  Effect effect;
  std::string_view name;
  ArgumentType type;
  bool optional;
  std::string_view meaning;
};

struct EffectInfo {
  Effect effect;
  std::string_view name;  // "store.get"
  EffectCall call;
  std::string_view allowed_by;  // "hosts", or empty
  std::string_view meaning;
  std::string_view returns;
  std::span<const EffectArgument> arguments;
};

std::span<const EffectInfo> all_effects();
const EffectInfo& describe(Effect effect);
const EffectInfo* find_effect(std::string_view name);

// `arguments`: an object. Error{bad_request} names the argument that is missing, unknown or of the wrong
// type; durations are seconds or texts such as "5m".
base::Result<> check_arguments(const EffectInfo& effect, base::JsonView arguments);

}  // namespace fairlead::core
