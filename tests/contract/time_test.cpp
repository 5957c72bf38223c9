// Tasks whose time has not come.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void a_future_task_is_promoted_when_its_time_has_come(void**) {
  Scene scene;
  const auto submitted = scene.submit({.run_at = base::wall_now() + 1h});
  assert_true(submitted.waits_for == WaitsFor::time);
  const auto worker = scene.worker();
  assert_ids(ids_of(scene.claim(worker)), {});
  const auto before = scene.tend();
  assert_int_equal(before.promoted, 0);
  assert_true(before.next_due && *before.next_due > 50min && *before.next_due <= 1h + 1s);
  scene.pass_time(1h + 1s);
  const auto after = scene.tend();
  assert_int_equal(after.promoted, 1);
  assert_false(after.next_due.has_value());
  assert_waits(scene.record(submitted.id), WaitsFor::nothing);
  assert_text_equal(events_of(scene.detail(submitted.id)), "submitted");
}

static void the_past_is_now(void**) {
  Scene scene;
  assert_true(scene.submit({.run_at = base::wall_now() - 1h}).waits_for == WaitsFor::nothing);
  assert_false(scene.tend().next_due.has_value());
}

static void the_next_one_is_due_first(void**) {
  Scene scene;
  scene.add({.run_at = base::wall_now() + 3h});
  scene.add({.run_at = base::wall_now() + 10min});
  scene.add({.run_at = base::wall_now() + 2h});
  const auto next = scene.tend().next_due;
  assert_true(next && *next > 9min && *next <= 10min + 1s);
}

static void many_that_are_due_are_promoted_in_bounded_steps(void**) {
  Scene scene;
  scene.submit_all(std::vector<core::Submission>(3'000, submission({.run_at = base::wall_now() + 1h})));
  scene.pass_time(2h);
  assert_int_equal(scene.tend_all().promoted, 3'000);
  assert_int_equal(scene.claim(scene.worker(), 4'000).size(), 3'000);
}

static void a_task_takes_its_locks_when_its_time_has_come_and_not_before(void**) {
  Scene scene;
  const auto later = scene.add({.locks = {"node:nas"}, .run_at = base::wall_now() + 1h});
  const auto now = scene.add({.locks = {"node:nas"}});
  assert_waits(scene.record(now), WaitsFor::nothing);
  scene.pass_time(2h);
  assert_int_equal(scene.tend_all().promoted, 0);
  assert_waits(scene.record(later), WaitsFor::lock, "node:nas");
}

Tests time_tests() {
  return {
      cmocka_unit_test(a_future_task_is_promoted_when_its_time_has_come),
      cmocka_unit_test(the_past_is_now),
      cmocka_unit_test(the_next_one_is_due_first),
      cmocka_unit_test(many_that_are_due_are_promoted_in_bounded_steps),
      cmocka_unit_test(a_task_takes_its_locks_when_its_time_has_come_and_not_before),
  };
}

}  // namespace fairlead::contract
