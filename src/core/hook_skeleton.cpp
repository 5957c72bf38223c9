#include "core/hook_skeleton.hpp"

#include <algorithm>

#include "core/effects.hpp"

namespace fairlead::core {

namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string field_lines(const EventInfo& event) {
  std::size_t widest = 0;
  for (const auto fields : {event.fields, clock_fields()})
    for (const EventField& field : fields) widest = std::max(widest, field.path.size());
  std::string text;
  for (const auto fields : {event.fields, clock_fields()})
    for (const EventField& field : fields)
      text += "  --   ctx." + padded(std::string(field.path), widest) + "  " +
              padded(std::string(to_string(field.type)) + (field.nilable ? "?" : ""), 9) + " " +
              std::string(field.meaning) + "\n";
  text += "  --   ctx." + padded("random(m, n)", widest) + "  " + padded("integer", 9) +
          " from m to n; ctx.random(): a number from 0 to below 1\n";
  return text;
}

std::string names_of(const VerdictForm& form) {
  VerdictArgument arguments[VerdictForm::kMostArguments];
  const std::size_t count = form.arguments(arguments);
  std::string names;
  for (std::size_t i = 0; i < count; ++i) names += (i > 0 ? ", " : "") + std::string(arguments[i].name);
  return "ctx." + std::string(form.method) + "(" + names + ")";
}

std::string verdict_lines(const EventInfo& event) {
  std::size_t widest = 0;
  for (const VerdictForm& form : event.verdicts) widest = std::max(widest, names_of(form).size());
  std::string text;
  for (const VerdictForm& form : event.verdicts) {
    text += "  --   return " + padded(names_of(form), widest) + "  " + std::string(form.meaning);
    if (!form.signature.empty()) text += " (" + std::string(form.signature) + ")";
    text += "\n";
  }
  return text;
}

std::string decide_body(const EventInfo& event) {
  return "  -- What ctx holds; durations are seconds, and `?` may be nil:\n" + field_lines(event) +
         "  --\n  -- What can be answered; a duration is a number of seconds or a text such as \"5m\":\n" +
         verdict_lines(event) + "  --\n  -- nil is no opinion: the next hook is asked, and at last " +
         std::string(event.safe_default) + " holds.\n  return nil\n";
}

std::string transform_body(const EventInfo& event) {
  std::string text =
      "  -- What ctx holds; durations are seconds, and `?` may be nil:\n" + field_lines(event) + "  --\n";
  if (event.event == HookEvent::notification)
    text +=
        "  -- notice is a table: event, subject, severity (info, low, high, critical), title, text, time, "
        "senders.\n"
        "  -- Title, text, severity and senders may be changed. Return it, or nil to keep quiet.\n"
        "  return notice\n";
  else
    text += "  -- Return the text, with less in it or as it was.\n  return text\n";
  return text;
}

std::string effect_lines() {
  std::string text;
  for (const EffectInfo& effect : all_effects()) {
    const bool named = effect.call == EffectCall::named;
    std::string arguments;
    for (const EffectArgument& argument : effect.arguments)
      arguments += (arguments.empty() ? "" : ", ") + std::string(argument.name) + (named ? " = …" : "");
    text += "  --   flow." + std::string(effect.name) + (named ? "{" : "(") + arguments +
            (named ? "}" : ")") + "  " + std::string(effect.meaning);
    if (!effect.allowed_by.empty()) text += "; needs policy.allow." + std::string(effect.allowed_by);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string hook_skeleton(const EventInfo& event, std::string_view name) {
  const std::string id(event.name), quoted = "\"" + std::string(name) + "\"";
  std::string text = "-- " + std::string(event.asks) + "\n";
  if (!event.safe_default.empty()) text += "-- Without an answer: " + std::string(event.safe_default) + ".\n";
  if (!event.wired) text += "-- This fairlead does not ask it yet.\n";
  text += "api(1)\n\n";
  switch (event.kind) {
    case HookKind::decide:
      return text + "on." + id + "(" + quoted + ", function(ctx)\n" + decide_body(event) + "end)\n";
    case HookKind::transform:
      return text + "on." + id + "(" + quoted + ", function(" +
             (event.event == HookEvent::notification ? "notice" : "text") + ", ctx)\n" +
             transform_body(event) + "end)\n";
    case HookKind::observe:
      return text + "on." + id + "(" + quoted +
             ", function(ctx)\n  -- What ctx holds; durations are seconds, and `?` may be nil:\n" +
             field_lines(event) +
             "  --\n  -- Nothing is answered; log(…) writes to the daemon's log.\nend)\n";
    default:
      return text + "every(\"5m\", " + quoted +
             ", function(flow)\n  -- What may be asked for; each waits for its answer, and flow.clock is the "
             "time:\n" +
             effect_lines() + "end)\n";
  }
}

}  // namespace fairlead::core
