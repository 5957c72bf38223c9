#include "core/task_state.hpp"

#include <array>

namespace fairlead::core {

namespace {

using At = TaskState;
using On = TaskEvent;

constexpr TaskTransition kTaskTransitions[] = {
    // from              event                 to            new epoch
    {std::nullopt, On::submitted, At::queued, false},  {At::queued, On::claimed, At::claimed, true},
    {At::claimed, On::started, At::running, false},    {At::running, On::succeeded, At::done, false},
    {At::running, On::gave_up, At::failed, false},     {At::claimed, On::gave_up, At::failed, false},
    {At::running, On::retry, At::queued, true},        {At::claimed, On::retry, At::queued, true},
    {At::running, On::handed_back, At::queued, true},  {At::claimed, On::handed_back, At::queued, true},
    {At::running, On::worker_lost, At::queued, true},  {At::claimed, On::worker_lost, At::queued, true},
    {At::running, On::poisoned, At::failed, true},     {At::claimed, On::poisoned, At::failed, true},
    {At::queued, On::cancelled, At::cancelled, true},  {At::running, On::cancelled, At::cancelled, true},
    {At::claimed, On::cancelled, At::cancelled, true}, {At::queued, On::dependency_failed, At::failed, false},
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
  return state == At::done || state == At::failed || state == At::cancelled;
}
bool is_owned(TaskState state) {
  return state == At::claimed || state == At::running;
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
