#include "core/effects.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace fairlead::core {

namespace {

#define EFFECT(id, name, call, allowed_by, meaning, returns)
#define ARGUMENT(effect, name, type, optional, meaning) \
  {Effect::effect, name, ArgumentType::type, optional, meaning},
constexpr EffectArgument kArguments[] = {
#include "core/effects.def"
};
#undef EFFECT
#undef ARGUMENT

// The rows of one effect stand together in the table.
constexpr std::span<const EffectArgument> arguments_of(Effect effect) {
  const std::span<const EffectArgument> all(kArguments);
  std::size_t first = 0;
  while (first < all.size() && all[first].effect != effect) ++first;
  std::size_t last = first;
  while (last < all.size() && all[last].effect == effect) ++last;
  return all.subspan(first, last - first);
}

#define ARGUMENT(effect, name, type, optional, meaning)
#define EFFECT(id, name, call, allowed_by, meaning, returns) \
  EffectInfo{Effect::id, name, EffectCall::call, allowed_by, meaning, returns, arguments_of(Effect::id)},
constexpr EffectInfo kEffects[] = {
#include "core/effects.def"
};
#undef EFFECT
#undef ARGUMENT

bool all_texts(base::JsonView value) {
  const auto items = value.items();
  return std::all_of(items.begin(), items.end(), [](base::JsonView item) { return item.is_string(); });
}

bool fits(ArgumentType type, base::JsonView value) {
  switch (type) {
    case ArgumentType::text:
      return value.is_string();
    case ArgumentType::duration:
      return (value.is_number() && value.number() >= 0) ||
             (value.is_string() && base::parse_duration(value.text()).has_value());
    case ArgumentType::integer:
      return value.is_number() && static_cast<double>(value.integer()) == value.number();
    case ArgumentType::list:
      return value.is_array() && all_texts(value);
    case ArgumentType::map:
      // An empty Lua table may have become either.
      return (value.is_object() && all_texts(value)) || (value.is_array() && value.size() == 0);
    case ArgumentType::any:
      return true;
  }
  return false;
}

std::string_view wanted(ArgumentType type) {
  constexpr std::string_view kWanted[] = {"a text",           "a duration: seconds, or a text such as \"5m\"",
                                          "a whole number",   "a list of texts",
                                          "a table of texts", "anything"};
  return kWanted[static_cast<std::size_t>(type)];
}

base::Error wrong(const EffectInfo& effect, const std::string& what) {
  return {base::Code::bad_request, "flow." + std::string(effect.name) + ": " + what, {}};
}

}  // namespace

std::string_view to_string(ArgumentType type) {
  constexpr std::string_view kNames[] = {"text", "duration", "integer", "list", "map", "any"};
  return kNames[static_cast<std::size_t>(type)];
}

std::span<const EffectInfo> all_effects() {
  return kEffects;
}

const EffectInfo& describe(Effect effect) {
  return kEffects[static_cast<std::size_t>(effect)];
}

const EffectInfo* find_effect(std::string_view name) {
  for (const EffectInfo& effect : kEffects)
    if (effect.name == name) return &effect;
  return nullptr;
}

base::Result<> check_arguments(const EffectInfo& effect, base::JsonView arguments) {
  if (!arguments.is_object()) return wrong(effect, "takes a table");
  std::size_t known = 0;
  std::vector<std::string_view> names;
  for (const EffectArgument& argument : effect.arguments) {
    names.push_back(argument.name);
    const base::JsonView value = arguments[argument.name];
    const std::string name = "`" + std::string(argument.name) + "`";
    if (!value.exists()) {
      if (argument.optional) continue;
      return wrong(effect, name + " is missing (" + std::string(argument.meaning) + ")");
    }
    ++known;
    if (!fits(argument.type, value))
      return wrong(effect, name + " must be " + std::string(wanted(argument.type)));
  }
  if (known == arguments.size()) return base::success();
  for (const base::JsonView member : arguments.items()) {
    if (std::find(names.begin(), names.end(), member.key()) != names.end()) continue;
    const auto near = base::nearest(member.key(), names);
    return wrong(effect, "has no argument `" + base::printable(member.key(), 40) + "`" +
                             (near.empty() ? "" : "; did you mean `" + std::string(near) + "`?"));
  }
  return wrong(effect, "names an argument twice");
}

}  // namespace fairlead::core
