#include "core/task_state.hpp"

#include <array>

namespace fairlead::core {

namespace {

using S = TaskState;
using E = TaskEvent;

constexpr TaskTransition kTaskTransitions[] = {
    // from              event                 to            new epoch
    {std::nullopt, E::submitted, S::queued, false}, {S::queued, E::claimed, S::claimed, true},
    {S::claimed, E::started, S::running, false},    {S::running, E::succeeded, S::done, false},
    {S::running, E::gave_up, S::failed, false},     {S::claimed, E::gave_up, S::failed, false},
    {S::running, E::retry, S::queued, true},        {S::claimed, E::retry, S::queued, true},
    {S::running, E::handed_back, S::queued, true},  {S::claimed, E::handed_back, S::queued, true},
    {S::running, E::worker_lost, S::queued, true},  {S::claimed, E::worker_lost, S::queued, true},
    {S::running, E::poisoned, S::failed, true},     {S::claimed, E::poisoned, S::failed, true},
    {S::queued, E::cancelled, S::cancelled, true},  {S::running, E::cancelled, S::cancelled, true},
    {S::claimed, E::cancelled, S::cancelled, true}, {S::queued, E::dependency_failed, S::failed, false},
};

constexpr std::array<std::string_view, 7> kStateNames = {
    "awaiting_approval", "queued", "claimed", "running", "done", "failed", "cancelled",
};
constexpr std::array<std::string_view, 5> kWaitNames = {"nothing", "dependency", "time", "pause", "lock"};
constexpr std::array<std::string_view, 11> kEventNames = {
    "submitted",   "claimed",     "started",  "succeeded", "gave_up",           "retry",
    "handed_back", "worker_lost", "poisoned", "cancelled", "dependency_failed",
};

template <typename Value, std::size_t N>
std::optional<Value> value_named(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Value>(i);
  return std::nullopt;
}

}  // namespace

std::string_view to_string(TaskState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}
std::optional<TaskState> parse_task_state(std::string_view text) {
  return value_named<TaskState>(kStateNames, text);
}

bool is_final(TaskState state) {
  return state == S::done || state == S::failed || state == S::cancelled;
}
bool is_owned(TaskState state) {
  return state == S::claimed || state == S::running;
}

std::string_view to_string(WaitsFor waits) {
  return kWaitNames[static_cast<std::size_t>(waits)];
}
std::optional<WaitsFor> parse_waits_for(std::string_view text) {
  return value_named<WaitsFor>(kWaitNames, text);
}

std::string_view to_string(TaskEvent event) {
  return kEventNames[static_cast<std::size_t>(event)];
}

std::span<const TaskTransition> task_transitions() {
  return kTaskTransitions;
}

const TaskTransition* find_transition(std::optional<TaskState> from, TaskEvent event) {
  for (const auto& row : kTaskTransitions)
    if (row.from == from && row.event == event) return &row;
  return nullptr;
}

}  // namespace fairlead::core
