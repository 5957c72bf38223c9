#include "core/decision_sample.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::core {

std::size_t weight_of(const Decision& decision) {
  return sizeof(Decision) + decision.context.size() + decision.verdict.size() + decision.why.size() +
         decision.hook.size();
}

DecisionSample::Event& DecisionSample::event_named(std::string_view name) {
  const auto found = events_.find(name);
  return found != events_.end() ? found->second : events_[std::string(name)];
}

std::optional<std::uint64_t> DecisionSample::admit(std::string_view event, base::SteadyTime now) {
  Event& state = event_named(event);
  const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  if (second != state.second) {
    state.second = second;
    state.in_second = 0;
  }
  if (state.in_second >= limits_.per_second) {
    ++state.left_out;
    return std::nullopt;
  }
  ++state.in_second;
  return std::exchange(state.left_out, 0);
}

void DecisionSample::leave_out(std::string_view event, std::uint64_t count) {
  event_named(event).left_out += count;
}

void DecisionSample::remember(DecisionPtr decision) {
  Event& state = event_named(decision->event);
  state.recent_bytes += weight_of(*decision);
  state.recent.push_back(std::move(decision));
  while (state.recent.size() > 1 &&
         (state.recent.size() > limits_.recent || state.recent_bytes > limits_.recent_bytes)) {
    state.recent_bytes -= weight_of(*state.recent.front());
    state.recent.pop_front();
  }
}

std::vector<DecisionPtr> DecisionSample::recent(std::size_t per_event) const {
  std::vector<DecisionPtr> newest;
  for (const auto& [name, event] : events_) {
    const auto count = std::min(per_event, event.recent.size());
    newest.insert(newest.end(), event.recent.end() - static_cast<std::ptrdiff_t>(count), event.recent.end());
  }
  std::stable_sort(newest.begin(), newest.end(),
                   [](const auto& a, const auto& b) { return a->time < b->time; });
  return newest;
}

}  // namespace fairlead::core
