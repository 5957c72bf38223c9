#include "core/task.hpp"

#include "base/text.hpp"
#include "core/task_store.hpp"

namespace fairlead::core {

std::string_view to_string(OnLeaseLoss value) {
  return value == OnLeaseLoss::stop ? "stop" : "continue";
}

std::string route_of(std::string_view capability, std::string_view target) {
  std::string route(capability);
  return route.append("@").append(target);
}

std::string_view capability_of(std::string_view route) {
  return route.substr(0, route.find('@'));
}

std::string offer_text(const WorkerInfo& info) {
  std::string text;
  for (const auto& capability : info.capabilities) {
    text.append(text.empty() ? "" : " ").append(capability);
    if (const auto limit = info.limits.find(capability); limit != info.limits.end())
      text.append("=").append(std::to_string(limit->second));
  }
  return text;
}

void set_offer(WorkerInfo& info, std::string_view text) {
  info.capabilities.clear();
  info.limits.clear();
  if (text.empty()) return;
  for (const auto word : base::split(text, ' ')) {
    const auto parts = base::split(word, '=');
    info.capabilities.emplace_back(parts.front());
    if (const auto limit = base::parse_unsigned(parts.back()); limit && parts.size() == 2)
      info.limits.emplace(parts.front(), static_cast<int>(*limit));
  }
}

std::string_view to_string(Report::Outcome outcome) {
  constexpr std::string_view kNames[] = {"done", "failed", "again", "handed_back", "cancelled"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view to_string(NoteKind kind) {
  switch (kind) {
    case NoteKind::cancel_requested:
      return "cancel_requested";
    case NoteKind::requeue_requested:
      return "requeue_requested";
    case NoteKind::late_report:
      break;
  }
  return "late_report";
}

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::online:
      return "online";
    case WorkerState::late:
      return "late";
    case WorkerState::offline:
      break;
  }
  return "offline";
}

std::string_view to_string(StoreStatus::State state) {
  switch (state) {
    case StoreStatus::State::opening:
      return "opening";
    case StoreStatus::State::open:
      return "open";
    case StoreStatus::State::away:
      return "away";
    case StoreStatus::State::refused:
      break;
  }
  return "refused";
}

std::string_view to_string(Pause::Scope scope) {
  switch (scope) {
    case Pause::Scope::everything:
      return "all";
    case Pause::Scope::kind:
      return "kind";
    case Pause::Scope::site:
      break;
  }
  return "site";
}

}  // namespace fairlead::core
