#include "core/events.hpp"

#include <array>
#include <string>

#include "base/text.hpp"

namespace fairlead::core {

namespace {

#define EVENT(id, kind, wired, asks, safe_default)
#define VERDICT(event, method, arguments, meaning)
#define FIELD(event, path, type, nilable, meaning) \
  {HookEvent::event, path, FieldType::type, nilable, meaning},
constexpr EventField kFields[] = {
#include "core/events.def"
};
#undef FIELD
#undef VERDICT

#define FIELD(event, path, type, nilable, meaning)
#define VERDICT(event, method, arguments, meaning) {HookEvent::event, #method, arguments, meaning},
constexpr VerdictForm kVerdicts[] = {
#include "core/events.def"
};
#undef VERDICT
#undef EVENT

// The rows of one event stand together in the table.
template <typename Row, std::size_t size>
constexpr std::span<const Row> rows_of(const Row (&rows)[size], HookEvent event) {
  std::size_t first = 0;
  while (first < size && rows[first].event != event) ++first;
  std::size_t last = first;
  while (last < size && rows[last].event == event) ++last;
  return std::span<const Row>(rows).subspan(first, last - first);
}

#define VERDICT(event, method, arguments, meaning)
#define EVENT(id, kind, wired, asks, safe_default) \
  EventInfo{HookEvent::id,                         \
            #id,                                   \
            HookKind::kind,                        \
            wired,                                 \
            asks,                                  \
            safe_default,                          \
            rows_of(kFields, HookEvent::id),       \
            rows_of(kVerdicts, HookEvent::id)},
constexpr EventInfo kEvents[] = {
#include "core/events.def"
};
#undef EVENT
#undef FIELD
#undef VERDICT

constexpr EventField kClock[] = {
    {HookEvent::every, "clock.unix", FieldType::time, false, "seconds since 1970"},
    {HookEvent::every, "clock.iso", FieldType::text, false, "the same, as 2026-03-01T12:00:00.000Z"},
    {HookEvent::every, "clock.year", FieldType::integer, false, "local time of the machine, as all below"},
    {HookEvent::every, "clock.month", FieldType::integer, false, "1 to 12"},
    {HookEvent::every, "clock.day", FieldType::integer, false, "of the month, 1 to 31"},
    {HookEvent::every, "clock.hour", FieldType::integer, false, "0 to 23"},
    {HookEvent::every, "clock.minute", FieldType::integer, false, "0 to 59"},
    {HookEvent::every, "clock.weekday", FieldType::integer, false, "1 is Monday, 7 is Sunday"},
    {HookEvent::every, "clock.weekend", FieldType::boolean, false, "Saturday or Sunday"},
};

// Calls `visit(field)` for the event's fields and the clock's; stops when it returns true.
template <typename Visit>
bool any_field(const EventInfo& event, Visit visit) {
  for (const EventField& field : event.fields)
    if (visit(field)) return true;
  for (const EventField& field : kClock)
    if (visit(field)) return true;
  return false;
}

bool is_below(std::string_view path, std::string_view prefix) {
  return path.size() > prefix.size() && path.starts_with(prefix) && path[prefix.size()] == '.';
}

base::Error wrong(const EventInfo& event, const std::string& what) {
  return {base::Code::protocol, "verdict of " + std::string(event.name) + ": " + what, {}};
}

base::Result<> check_argument(const EventInfo& event, const VerdictArgument& argument, base::JsonView value) {
  const std::string name(argument.name);
  if (!value.exists()) {
    if (argument.optional) return base::success();
    return wrong(event, "\"" + name + "\" is missing");
  }
  if (argument.type == FieldType::text) {
    if (value.is_string() && value.text().size() <= 1024) return base::success();
    return wrong(event, "\"" + name + "\" must be a text of at most 1024 bytes");
  }
  const double seconds = value.number(-1);
  if (value.is_number() && seconds >= 0 && seconds <= static_cast<double>(kMostSeconds))
    return base::success();
  return wrong(event, "\"" + name + "\" must be seconds from 0 to ten years");
}

}  // namespace

std::string_view to_string(HookKind kind) {
  constexpr std::string_view kNames[] = {"decide", "transform", "observe", "flow"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(FieldType type) {
  constexpr std::string_view kNames[] = {"text", "integer", "number", "boolean", "duration", "list", "time"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t VerdictForm::arguments(VerdictArgument (&into)[kMostArguments]) const {
  if (signature.empty()) return 0;
  std::size_t count = 0;
  for (const std::string_view part : base::split(signature, ',')) {
    const auto colon = part.find(':');
    VerdictArgument& argument = into[count++];
    argument.name = base::trim(part.substr(0, colon));
    std::string_view type = base::trim(part.substr(colon + 1));
    argument.optional = type.ends_with('?');
    if (argument.optional) type.remove_suffix(1);
    argument.type = type == "duration" ? FieldType::duration : FieldType::text;
  }
  return count;
}

std::span<const EventInfo> all_events() {
  return kEvents;
}

const EventInfo& describe(HookEvent event) {
  return kEvents[static_cast<std::size_t>(event)];
}

std::string_view to_string(HookEvent event) {
  return describe(event).name;
}

const EventInfo* find_event(std::string_view name) {
  for (const EventInfo& event : kEvents)
    if (event.name == name) return &event;
  return nullptr;
}

bool is_hook_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

std::span<const EventField> clock_fields() {
  return kClock;
}

PathKind path_kind(const EventInfo& event, std::string_view path) {
  if (find_field(event, path) != nullptr) return PathKind::field;
  const bool group = any_field(event, [&](const EventField& field) { return is_below(field.path, path); });
  return group ? PathKind::group : PathKind::unknown;
}

const EventField* find_field(const EventInfo& event, std::string_view path) {
  const EventField* found = nullptr;
  any_field(event, [&](const EventField& field) {
    if (field.path == path) found = &field;
    return found != nullptr;
  });
  return found;
}

std::vector<std::string_view> names_below(const EventInfo& event, std::string_view prefix) {
  std::vector<std::string_view> names;
  any_field(event, [&](const EventField& field) {
    if (!prefix.empty() && !is_below(field.path, prefix)) return false;
    const std::string_view rest = field.path.substr(prefix.empty() ? 0 : prefix.size() + 1);
    names.push_back(rest.substr(0, rest.find('.')));
    return false;
  });
  if (prefix.empty()) {
    names.emplace_back("random");
    for (const VerdictForm& form : event.verdicts) names.push_back(form.method);
  }
  return names;
}

base::Result<const VerdictForm*> check_verdict(const EventInfo& event, base::JsonView verdict) {
  if (!verdict.is_object()) return wrong(event, "is no object");
  const std::string_view method = verdict["verdict"].text();
  for (const VerdictForm& form : event.verdicts) {
    if (form.method != method) continue;
    VerdictArgument arguments[VerdictForm::kMostArguments];
    const std::size_t count = form.arguments(arguments);
    std::size_t known = 1;  // "verdict" itself
    for (std::size_t i = 0; i < count; ++i) {
      const base::JsonView value = verdict[arguments[i].name];
      if (auto fine = check_argument(event, arguments[i], value); !fine) return fine.error();
      known += value.exists() ? 1 : 0;
    }
    if (verdict.size() != known)
      return wrong(event, "has members that \"" + std::string(method) + "\" has not");
    return &form;
  }
  return wrong(event, "\"" + base::printable(method, 40) + "\" is none of its verdicts");
}

}  // namespace fairlead::core
