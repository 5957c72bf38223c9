// The events that hooks are written for, from events.def. Pure; everything here is constant for the life of
// the process. Shared by the daemon (checks verdicts) and by fairlead-host (builds them).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::core {

enum class HookKind : std::uint8_t {
  decide,     // the first verdict that is not nil wins
  transform,  // each gets what the one before made of the value
  observe,    // all are told; what they do wrong concerns nobody else
  flow,       // a coroutine that asks the daemon for effects
};
std::string_view to_string(HookKind kind);

enum class FieldType : std::uint8_t { text, integer, number, boolean, duration, list, time };
std::string_view to_string(FieldType type);

enum class HookEvent : std::uint8_t {
#define EVENT(id, kind, wired, asks, safe_default) id,
#define FIELD(event, path, type, nilable, meaning)
#define VERDICT(event, method, arguments, meaning)
#include "core/events.def"
#undef EVENT
#undef FIELD
#undef VERDICT
};

struct EventField {
  HookEvent event;
  std::string_view path;  // "tunnel.name"
  FieldType type;
  bool nilable;
  std::string_view meaning;
};

struct VerdictArgument {
  std::string_view name;             // "delay"
  FieldType type = FieldType::text;  // text or duration
  bool optional = false;
};

struct VerdictForm {
  HookEvent event;
  std::string_view method;     // "after"
  std::string_view signature;  // "delay: duration, why: text?"
  std::string_view meaning;
  static constexpr std::size_t kMostArguments = 2;
  // Fills `into`, returns how many.
  std::size_t arguments(VerdictArgument (&into)[kMostArguments]) const;
};

struct EventInfo {
  HookEvent event;
  std::string_view name;
  HookKind kind;
  bool wired;
  std::string_view asks;
  std::string_view safe_default;
  std::span<const EventField> fields;
  std::span<const VerdictForm> verdicts;
};

std::span<const EventInfo> all_events();
const EventInfo& describe(HookEvent event);
std::string_view to_string(HookEvent event);
const EventInfo* find_event(std::string_view name);

// Whether a hook may be called that: 1 to 64 letters, digits, dots, dashes and underscores.
bool is_hook_name(std::string_view name);

// What `ctx.clock` and `flow.clock` hold, paths "clock.hour" and so on.
std::span<const EventField> clock_fields();

// What a field's path leads to in an event's ctx, `clock` included.
enum class PathKind : std::uint8_t { unknown, group, field };
PathKind path_kind(const EventInfo& event, std::string_view path);
// The field with this path, or null.
const EventField* find_field(const EventInfo& event, std::string_view path);
// The names that may stand behind `prefix` ("" is ctx itself), groups included, for "did you mean".
std::vector<std::string_view> names_below(const EventInfo& event, std::string_view prefix);

// Longest duration a verdict may name: ten years, as everywhere.
constexpr std::int64_t kMostSeconds = 10LL * 366 * 24 * 3600;

// A verdict as it crosses from the policy process: {"verdict": method, argument: value, …}, durations in
// seconds. Checked again here, because what is on the other side may be hostile. Error{protocol} says what is
// wrong.
base::Result<const VerdictForm*> check_verdict(const EventInfo& event, base::JsonView verdict);

}  // namespace fairlead::core
