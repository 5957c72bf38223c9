#include <set>

#include "cmocka.hpp"
#include "core/task_state.hpp"

using namespace fairlead::core;

constexpr TaskState kStates[] = {TaskState::awaiting_approval, TaskState::queued, TaskState::claimed,
                                 TaskState::running,           TaskState::done,   TaskState::failed,
                                 TaskState::cancelled};

static void nothing_leaves_a_final_state(void**) {
  for (const auto& row : task_transitions()) assert_false(row.from && is_final(*row.from));
}

static void no_pair_of_state_and_event_stands_twice(void**) {
  std::set<std::pair<std::optional<TaskState>, TaskEvent>> seen;
  for (const auto& row : task_transitions()) assert_true(seen.insert({row.from, row.event}).second);
}

static void the_epoch_grows_with_every_change_of_owner(void**) {
  for (const auto& row : task_transitions()) {
    const bool gains = !(row.from && is_owned(*row.from)) && is_owned(row.to);
    const bool goes_back = row.from && is_owned(*row.from) && row.to == TaskState::queued;
    if (gains || goes_back) assert_true(row.new_epoch);
    if (row.event == TaskEvent::started || row.event == TaskEvent::succeeded) assert_false(row.new_epoch);
  }
}

static void done_is_reached_by_work_alone(void**) {
  for (const auto& row : task_transitions())
    if (row.to == TaskState::done)
      assert_true(row.from == TaskState::running && row.event == TaskEvent::succeeded);
}

static void every_state_but_the_reserved_one_can_be_reached(void**) {
  std::set<TaskState> reached;
  for (int i = 0; i < 4; ++i)
    for (const auto& row : task_transitions())
      if (!row.from || reached.count(*row.from) != 0) reached.insert(row.to);
  for (const auto state : kStates)
    assert_int_equal(reached.count(state), state == TaskState::awaiting_approval ? 0 : 1);
}

static void names_are_read_back(void**) {
  for (const auto state : kStates) assert_true(parse_task_state(to_string(state)) == state);
  for (const auto waits :
       {WaitsFor::nothing, WaitsFor::dependency, WaitsFor::time, WaitsFor::pause, WaitsFor::lock})
    assert_true(parse_waits_for(to_string(waits)) == waits);
  assert_false(parse_task_state("Queued").has_value());
  assert_false(parse_waits_for("").has_value());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nothing_leaves_a_final_state),
      cmocka_unit_test(no_pair_of_state_and_event_stands_twice),
      cmocka_unit_test(the_epoch_grows_with_every_change_of_owner),
      cmocka_unit_test(done_is_reached_by_work_alone),
      cmocka_unit_test(every_state_but_the_reserved_one_can_be_reached),
      cmocka_unit_test(names_are_read_back),
  };
  return cmocka_run_group_tests_name("core_task_state", tests, nullptr, nullptr);
}
