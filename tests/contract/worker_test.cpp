// Workers: beats, what becomes of a lost one's tasks, draining and leaving.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

static void a_beat_keeps_the_lease(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker();
  const auto claimed = scene.claim_one(anna);
  for (int i = 0; i < 5; ++i) {
    scene.pass_time(20s);
    assert_true(scene.beat(anna).lease_live);
    assert_int_equal(scene.tend_all().lost_workers.size(), 0);
  }
  scene.finish(anna, claimed);
  assert_state(scene.record(id), TaskState::done);
}

static void a_lost_workers_tasks_go_back_with_the_attempt_counted(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"node:nas"}});
  const auto anna = scene.worker("anna");
  scene.claim_one(anna);
  scene.pass_time(31s);
  const auto berta = scene.worker("berta", &scene.second());
  const auto tending = scene.tend_all({}, &scene.second());
  assert_int_equal(tending.lost_workers.size(), 1);
  assert_text_equal(tending.lost_workers[0], "anna");
  assert_text_equal(events_of(tending.changes), "worker_lost");
  const auto record = scene.record(id);
  assert_waits(record, WaitsFor::nothing);
  assert_int_equal(record.attempt, 1);
  assert_int_equal(record.lost_workers, 1);
  assert_int_equal(number(record.epoch), 2);
  assert_int_equal(scene.tend_all().lost_workers.size(), 0);  // told once
  assert_int_equal(scene.claim_one(berta).task.attempt, 2);
  assert_text_equal(scene.detail(id).timeline[2].actor, "fairlead");
  assert_text_equal(scene.detail(id).timeline[2].worker, "anna");
}

static void a_task_that_loses_its_worker_twice_is_poison(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"node:nas"}});
  const auto waiting = scene.add({.locks = {"node:nas"}});
  for (const char* name : {"anna", "berta"}) {
    const auto worker = scene.worker(name);
    assert_ids(ids_of(scene.claim(worker)), {id});
    scene.pass_time(31s);
    scene.tend_all();
  }
  const auto detail = scene.detail(id);
  assert_state(detail.task, TaskState::failed);
  assert_text_equal(detail.task.error_code, "poison");
  assert_text_equal(events_of(detail), "submitted claimed worker_lost claimed poisoned");
  assert_waits(scene.record(waiting), WaitsFor::nothing);
}

static void a_lost_worker_on_the_last_attempt_is_a_failure(void**) {
  Scene scene;
  const auto id = scene.add({.max_attempts = 1});
  scene.claim_one(scene.worker());
  scene.pass_time(31s);
  const auto tending = scene.tend_all();
  assert_text_equal(events_of(tending.changes), "gave_up");
  assert_state(scene.record(id), TaskState::failed);
  assert_text_equal(scene.record(id).error_code, "lost_worker");
}

static void a_claim_that_carries_on_keeps_task_and_locks_to_its_own_end(void**) {
  Scene scene;
  const auto id =
      scene.add({.locks = {"node:nas"}, .on_lease_loss = core::OnLeaseLoss::carry_on, .timeout = 10min});
  const auto waiting = scene.add({.locks = {"node:nas"}});
  const auto claimed = scene.claim_one(scene.worker());
  assert_true(claimed.own_end && *claimed.own_end > 10min && *claimed.own_end <= 11min);
  scene.pass_time(5min);
  auto tending = scene.tend_all();
  assert_int_equal(tending.lost_workers.size(), 1);
  assert_text_equal(events_of(tending.changes), "");
  assert_true(is_owned(scene.record(id).state));
  assert_waits(scene.record(waiting), WaitsFor::lock, "node:nas");
  scene.pass_time(6min + 1s);
  tending = scene.tend_all();
  assert_text_equal(events_of(tending.changes), "worker_lost");
  assert_waits(scene.record(id), WaitsFor::nothing);
}

static void a_worker_that_comes_back_keeps_what_carries_on(void**) {
  Scene scene;
  const auto kept = scene.add({.on_lease_loss = core::OnLeaseLoss::carry_on});
  const auto not_kept = scene.add({.on_lease_loss = core::OnLeaseLoss::carry_on});
  const auto stops = scene.add();
  const auto older = scene.worker();
  const auto claimed = scene.claim(older);
  assert_int_equal(claimed.size(), 3);
  scene.pass_time(1min);
  scene.tend_all();
  std::vector<core::Started> keeps = {
      {kept, claimed[0].task.epoch}, {not_kept, Epoch{77}}, {stops, claimed[2].task.epoch}};
  const TestWorker newer{
      &scene.first(), value_of(scene.try_register(scene.first(), "anna", keeps)), {"job@"}};
  assert_true(is_owned(scene.record(kept).state));
  assert_waits(scene.record(not_kept), WaitsFor::nothing);
  assert_waits(scene.record(stops), WaitsFor::nothing);
  assert_false(scene.report(older, report_of(claimed[0])).reports[0].accepted);
  scene.finish(newer, claimed[0]);  // under the epoch that it had
  assert_state(scene.record(kept), TaskState::done);
}

// A daemon registers again while it is at work: after a reload, or a claim whose answer was lost.
static void a_registration_under_a_live_lease_keeps_what_it_names(void**) {
  Scene scene;
  const auto kept = scene.add();
  const auto unheard_of = scene.add();
  const auto claimed = scene.claim(scene.worker());
  assert_int_equal(claimed.size(), 2);
  const TestWorker newer{&scene.first(),
                         value_of(scene.try_register(scene.first(), "anna", {{kept, claimed[0].task.epoch}})),
                         {"job@"}};
  assert_true(is_owned(scene.record(kept).state));
  assert_int_equal(scene.record(kept).lost_workers, 0);
  assert_waits(scene.record(unheard_of), WaitsFor::nothing);
  scene.finish(newer, claimed[0]);  // under the epoch that it had
  assert_state(scene.record(kept), TaskState::done);
}

static void a_new_registration_loses_what_the_older_one_had(void**) {
  Scene scene;
  const auto id = scene.add({.on_lease_loss = core::OnLeaseLoss::carry_on});
  scene.claim_one(scene.worker());
  scene.worker();
  assert_waits(scene.record(id), WaitsFor::nothing);
  assert_int_equal(scene.record(id).lost_workers, 1);
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed worker_lost");
  assert_text_equal(events_of(scene.tend_all().changes), "worker_lost");  // told by the next tend()
}

static void leaving_ends_the_lease_at_once(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker();
  const auto claimed = scene.claim_one(anna);
  value_of(scene.ask<base::Unit>([&](auto done) { scene.first().leave(anna.key, std::move(done)); }));
  assert_true(scene.workers()[0].state == core::WorkerState::offline);
  assert_false(scene.report(anna, report_of(claimed)).reports[0].accepted);
  scene.tend_all();
  assert_waits(scene.record(id), WaitsFor::nothing);
}

static void a_draining_worker_claims_nothing_and_hears_of_it(void**) {
  Scene scene;
  const auto anna = scene.worker();
  const auto drain = [&](const char* name, bool on) {
    return scene.ask<base::Unit>([&](auto done) { scene.first().drain(name, on, std::move(done)); });
  };
  assert_true(drain("nobody", true).error().code == base::Code::not_found);
  value_of(drain("anna", true));
  scene.add();
  assert_true(scene.beat(anna).draining);
  assert_ids(ids_of(scene.claim(anna)), {});
  assert_true(scene.workers()[0].draining);
  value_of(drain("anna", false));
  assert_false(scene.beat(anna).draining);
  assert_int_equal(scene.claim(anna).size(), 1);
}

static void a_draining_worker_drains_until_that_is_undone(void**) {
  Scene scene;
  scene.worker();
  value_of(scene.ask<base::Unit>([&](auto done) { scene.first().drain("anna", true, std::move(done)); }));
  scene.add();
  const auto again = scene.worker();  // a restart, or a lease that had lapsed
  assert_true(scene.beat(again).draining);
  assert_ids(ids_of(scene.claim(again)), {});
}

static void a_worker_that_does_not_come_back_is_forgotten(void**) {
  Scene scene;
  scene.worker();
  core::TendSettings settings;
  settings.history_age = 24h;
  scene.pass_time(23h);
  scene.tend_all(settings);
  scene.worker("berta");
  assert_int_equal(scene.workers().size(), 2);
  scene.pass_time(2h);
  settings.by_age = false;
  scene.tend_all(settings);
  assert_int_equal(scene.workers().size(), 2);
  settings.by_age = true;
  scene.tend_all(settings);
  assert_int_equal(scene.workers().size(), 1);
  assert_text_equal(scene.workers()[0].info.name, "berta");
}

static void a_worker_is_shown_by_the_age_of_its_beat(void**) {
  Scene scene;
  scene.add();
  const auto anna = scene.worker("anna");
  scene.worker("berta");
  scene.claim_one(anna);
  const auto lease = scene.tend().next_lease_end;
  assert_true(lease && *lease > 20s && *lease <= 30s);
  const auto state = [&] { return scene.workers()[0].state; };
  assert_true(state() == core::WorkerState::online);
  const auto shown = scene.workers();
  assert_int_equal(shown.size(), 2);
  assert_text_equal(shown[0].info.name, "anna");
  assert_text_equal(shown[0].info.site, "attic");
  assert_true(shown[0].info.capabilities == std::vector<std::string>{"job"});
  assert_int_equal(shown[0].info.concurrency, 4);
  assert_true(shown[0].info.limits == (std::map<std::string, int>{{"job", 3}}));
  assert_int_equal(shown[0].owned, 1);
  assert_true(shown[0].incarnation == anna.key.incarnation);
  scene.pass_time(21s);
  assert_true(state() == core::WorkerState::late);  // two beats are missing
  assert_true(scene.workers()[0].beat_age >= 21s);
  scene.pass_time(14s);
  assert_true(state() == core::WorkerState::offline);
}

Tests worker_tests() {
  return {
      cmocka_unit_test(a_beat_keeps_the_lease),
      cmocka_unit_test(a_lost_workers_tasks_go_back_with_the_attempt_counted),
      cmocka_unit_test(a_task_that_loses_its_worker_twice_is_poison),
      cmocka_unit_test(a_lost_worker_on_the_last_attempt_is_a_failure),
      cmocka_unit_test(a_claim_that_carries_on_keeps_task_and_locks_to_its_own_end),
      cmocka_unit_test(a_worker_that_comes_back_keeps_what_carries_on),
      cmocka_unit_test(a_registration_under_a_live_lease_keeps_what_it_names),
      cmocka_unit_test(a_new_registration_loses_what_the_older_one_had),
      cmocka_unit_test(leaving_ends_the_lease_at_once),
      cmocka_unit_test(a_draining_worker_claims_nothing_and_hears_of_it),
      cmocka_unit_test(a_draining_worker_drains_until_that_is_undone),
      cmocka_unit_test(a_worker_that_does_not_come_back_is_forgotten),
      cmocka_unit_test(a_worker_is_shown_by_the_age_of_its_beat),
  };
}

}  // namespace fairlead::contract
