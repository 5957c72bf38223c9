#include "core/task.hpp"

#include <algorithm>
#include <charconv>

#include "core/task_store.hpp"

namespace fairlead::core {

std::string_view to_string(OnLeaseLoss value) {
  return value == OnLeaseLoss::stop ? "stop" : "continue";
}

std::string route_of(std::string_view capability, std::string_view target) {
  std::string route(capability);
  return route.append("@").append(target);
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
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto name = word.substr(0, word.find('='));
    info.capabilities.emplace_back(name);
    int limit = 0;
    if (name.size() < word.size() &&
        std::from_chars(word.data() + name.size() + 1, word.data() + word.size(), limit).ec == std::errc{})
      info.limits.emplace(name, limit);
  }
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
