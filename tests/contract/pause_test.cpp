// Pausing a kind, a site or everything, and what goes on meanwhile.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Scope = core::Pause::Scope;

static void a_paused_kind_rests_and_the_others_go_on(void**) {
  Scene scene;
  const auto before = scene.add({.kind = "chore", .locks = {"node:nas"}});
  const auto job = scene.add();
  scene.pause(Scope::kind, "chore");
  const auto after = scene.submit({.kind = "chore"});
  assert_true(after.waits_for == WaitsFor::pause);
  const auto worker = scene.worker();
  assert_ids(ids_of(scene.claim(worker)), {job});
  scene.tend_all();
  assert_waits(scene.record(before), WaitsFor::pause, "kind:chore");
  assert_waits(scene.record(after.id), WaitsFor::pause, "kind:chore");
  assert_int_equal(fixture().held_locks().size(), 0);  // what rests holds nothing
  value_of(scene.try_resume(Scope::kind, "chore"));
  scene.tend_all();
  assert_ids(ids_of(scene.claim(worker)), {before, after.id});
}

static void a_task_at_work_goes_on_through_a_pause(void**) {
  Scene scene;
  scene.add({.locks = {"node:nas"}});
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  scene.pause(Scope::everything, "");
  scene.tend_all();
  assert_int_equal(fixture().held_locks().size(), 1);
  scene.finish(worker, claimed);
}

static void a_pause_catches_what_comes_back(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"node:nas"}});
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  scene.pause(Scope::kind, "job");
  scene.report(worker, report_of(claimed, core::Report::Outcome::handed_back));
  assert_waits(scene.record(id), WaitsFor::pause, "kind:job");
  assert_int_equal(fixture().held_locks().size(), 0);
}

static void everything_rests(void**) {
  Scene scene;
  const auto id = scene.add();
  scene.pause(Scope::everything, "");
  scene.tend_all();
  assert_waits(scene.record(id), WaitsFor::pause, "all");
  assert_ids(ids_of(scene.claim(scene.worker())), {});
  value_of(scene.try_resume(Scope::everything, ""));
  scene.tend_all();
  assert_waits(scene.record(id), WaitsFor::nothing);
}

static void a_paused_site_is_its_tasks_and_its_workers(void**) {
  Scene scene;
  const auto there = scene.add({.target = "site:attic"});
  const auto anywhere = scene.add();
  scene.pause(Scope::site, "attic");
  scene.tend_all();
  assert_waits(scene.record(there), WaitsFor::pause, "site:attic");
  assert_waits(scene.record(anywhere), WaitsFor::nothing);  // another site may do it
  const auto worker = scene.worker();                       // of the site "attic"
  assert_ids(ids_of(scene.claim(worker)), {});
  value_of(scene.try_resume(Scope::site, "attic"));
  scene.tend_all();
  assert_ids(ids_of(scene.claim(worker)), {anywhere});
  assert_waits(scene.record(there), WaitsFor::nothing);
}

static void a_pause_ends_by_itself_at_its_time(void**) {
  Scene scene;
  const auto id = scene.add();
  scene.pause(Scope::kind, "job", base::wall_now() + 30min);
  const auto tending = scene.tend_all();
  assert_true(tending.next_due && *tending.next_due > 29min && *tending.next_due <= 30min + 1s);
  assert_waits(scene.record(id), WaitsFor::pause, "kind:job");
  scene.pass_time(30min + 1s);
  assert_int_equal(scene.tend_all().promoted, 1);
  assert_waits(scene.record(id), WaitsFor::nothing);
  assert_int_equal(scene.pauses().size(), 0);
  assert_true(scene.try_resume(Scope::kind, "job").error().code == base::Code::not_found);
}

static void a_task_rests_until_its_last_pause_is_over(void**) {
  Scene scene;
  const auto id = scene.add();
  scene.pause(Scope::kind, "job");
  scene.pause(Scope::everything, "");
  scene.tend_all();
  value_of(scene.try_resume(Scope::everything, ""));
  scene.tend_all();
  assert_waits(scene.record(id), WaitsFor::pause, "kind:job");
  value_of(scene.try_resume(Scope::kind, "job"));
  scene.tend_all();
  assert_waits(scene.record(id), WaitsFor::nothing);
}

static void the_newer_of_two_alike_holds_and_the_list_tells(void**) {
  Scene scene;
  scene.pause(Scope::kind, "job", base::wall_now() + 1h);
  scene.pause(Scope::site, "attic");
  scene.pause(Scope::kind, "job");
  const auto all = scene.pauses();
  assert_int_equal(all.size(), 2);
  const auto& kind = all[0].scope == Scope::kind ? all[0] : all[1];
  assert_text_equal(kind.name, "job");
  assert_false(kind.until.has_value());
  assert_text_equal(kind.actor, "grace");
  assert_text_equal(kind.why, "stocktaking");
  assert_true(base::wall_now() - kind.since < 1h);
}

static void a_task_that_waits_for_a_lock_lets_go_of_its_place_in_a_pause(void**) {
  Scene scene;
  scene.add({.locks = {"node:nas"}});
  const auto rests = scene.add({.kind = "chore", .locks = {"node:nas"}});
  const auto behind = scene.add({.locks = {"node:nas"}});
  scene.pause(Scope::kind, "chore");
  scene.tend_all();
  assert_waits(scene.record(rests), WaitsFor::pause, "kind:chore");
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  assert_waits(scene.record(behind), WaitsFor::nothing);
}

static void a_pause_over_many_tasks_works_in_bounded_steps(void**) {
  Scene scene;
  for (int i = 0; i < 5; ++i) scene.submit_all(std::vector<core::Submission>(1'000, submission({})));
  scene.pause(Scope::kind, "job");
  const auto worker = scene.worker();
  assert_ids(ids_of(scene.claim(worker)), {});
  scene.tend_all();
  assert_int_equal(scene.stats().rows.size(), 1);
  assert_true(scene.stats().rows[0].waits_for == WaitsFor::pause);
  assert_int_equal(scene.stats().rows[0].count, 5'000);
  value_of(scene.try_resume(Scope::kind, "job"));
  scene.tend_all();
  assert_int_equal(scene.claim(worker, 6'000).size(), 5'000);
}

Tests pause_tests() {
  return {
      cmocka_unit_test(a_paused_kind_rests_and_the_others_go_on),
      cmocka_unit_test(a_task_at_work_goes_on_through_a_pause),
      cmocka_unit_test(a_pause_catches_what_comes_back),
      cmocka_unit_test(everything_rests),
      cmocka_unit_test(a_paused_site_is_its_tasks_and_its_workers),
      cmocka_unit_test(a_pause_ends_by_itself_at_its_time),
      cmocka_unit_test(a_task_rests_until_its_last_pause_is_over),
      cmocka_unit_test(the_newer_of_two_alike_holds_and_the_list_tells),
      cmocka_unit_test(a_task_that_waits_for_a_lock_lets_go_of_its_place_in_a_pause),
      cmocka_unit_test(a_pause_over_many_tasks_works_in_bounded_steps),
  };
}

}  // namespace fairlead::contract
