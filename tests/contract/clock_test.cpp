// The store's clock jumps: no lease is reaped early.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void nobody_is_reaped_after_a_clock_step(void**) {
  for (const base::Millis step : {base::Millis(2h), base::Millis(-2h), base::Millis(24h * 365)}) {
    Scene scene;
    const auto id = scene.add();
    const auto worker = scene.worker();
    const auto claimed = scene.claim_one(worker);
    assert_false(scene.tend_all().clock_stepped);
    if (!fixture().step_clock(step)) skip();
    const auto tending = scene.tend_all();
    assert_true(tending.clock_stepped);
    assert_int_equal(tending.lost_workers.size(), 0);
    assert_text_equal(events_of(tending.changes), "");
    assert_true(scene.beat(worker).lease_live);
    assert_state(scene.record(id), TaskState::claimed);
    scene.finish(worker, claimed);
  }
}

static void a_worker_that_is_gone_is_reaped_one_lease_after_the_step(void**) {
  Scene scene;
  const auto id = scene.add();
  scene.claim_one(scene.worker());
  scene.tend_all();
  if (!fixture().step_clock(2h)) skip();
  core::TendSettings settings;
  settings.lease = 300ms;
  assert_true(scene.tend_all(settings).clock_stepped);
  scene.pass_time(31s);
  for (int i = 0; i < 1'000 && scene.tend_all(settings).clock_stepped; ++i) run_for(scene.loop, 20ms);
  scene.tend_all(settings);
  assert_state(scene.record(id), TaskState::queued);
  assert_false(scene.tend_all(settings).clock_stepped);
}

// Ten years ahead for a moment made the whole history old, and a key that was forgotten with it made a second
// task.
static void a_clock_step_makes_nothing_old(void**) {
  Scene scene;
  const auto id = scene.add({.key = "once"});
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  scene.tend_all();
  if (!fixture().step_clock(24h * 3650)) skip();
  const auto tending = scene.tend_all();
  assert_true(tending.clock_stepped);
  assert_int_equal(tending.forgotten, 0);
  assert_state(scene.record(id), TaskState::done);
  const auto again = scene.submit({.key = "once"});
  assert_true(again.existed);
  assert_true(again.id == id);
}

static void nothing_goes_by_age_where_the_clock_may_be_wrong(void**) {
  Scene scene;
  scene.add({.key = "once"});
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  scene.pass_time(24h * 3650);
  core::TendSettings settings;
  settings.by_age = false;
  assert_int_equal(scene.tend_all(settings).forgotten, 0);
  assert_true(scene.submit({.key = "once"}).existed);
  settings.history_count = 0;  // what is too much goes all the same
  assert_int_equal(scene.tend_all(settings).forgotten, 1);
}

Tests clock_tests() {
  return {
      cmocka_unit_test(nobody_is_reaped_after_a_clock_step),
      cmocka_unit_test(a_clock_step_makes_nothing_old),
      cmocka_unit_test(nothing_goes_by_age_where_the_clock_may_be_wrong),
      cmocka_unit_test(a_worker_that_is_gone_is_reaped_one_lease_after_the_step),
  };
}

}  // namespace fairlead::contract
