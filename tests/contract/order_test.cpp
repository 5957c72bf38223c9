// Cancel, requeue and retry by hand, in every state.
#include "contract/scene.hpp"

namespace fairlead::contract {

using core::TaskOrder;
using Outcome = core::Report::Outcome;

static void a_queued_task_is_cancelled_at_once_whatever_it_waits_for(void**) {
  Scene scene;
  const auto ready = scene.add({.locks = {"x:a"}});
  const auto lock = scene.add({.locks = {"x:a"}});
  const auto time = scene.add({.run_at = base::wall_now() + 1h});
  const auto dependency = scene.add({.depends_on = {time}});
  scene.pause(core::Pause::Scope::kind, "chore");
  const auto pause = scene.add({.kind = "chore"});
  for (const auto id : {dependency, lock, time, pause, ready}) {
    const auto outcome = scene.order(id, TaskOrder::cancel);
    assert_true(outcome.id == id && outcome.state == TaskState::cancelled && !outcome.requested);
    const auto detail = scene.detail(id);
    assert_state(detail.task, TaskState::cancelled);
    assert_text_equal(detail.task.error_code, "cancelled");
    assert_text_equal(events_of(detail), "submitted cancelled");
    assert_text_equal(detail.timeline[1].actor, "grace");
    assert_int_equal(number(detail.task.epoch), 1);
  }
  assert_int_equal(fixture().held_locks().size(), 0);
  assert_ids(scene.ids(), {});
}

static void the_owner_of_a_task_is_asked_to_cancel_it(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker("anna", &scene.second());
  const auto claimed = scene.claim_one(worker);
  const auto outcome = scene.order(id, TaskOrder::cancel);
  assert_true(outcome.requested && outcome.state == TaskState::claimed && outcome.changes.empty());
  const auto detail = scene.detail(id);
  assert_true(detail.task.cancel_requested);
  assert_true(has_note(detail, core::NoteKind::cancel_requested));
  for (const auto& stops : {scene.beat(worker).stops, scene.exchange(worker, {}).stops}) {
    assert_int_equal(stops.size(), 1);
    assert_true(stops[0].id == id && stops[0].epoch == claimed.task.epoch && stops[0].cancel);
  }
  assert_true(scene.order(id, TaskOrder::cancel).requested);  // again: the same
  scene.report(worker, report_of(claimed, Outcome::cancelled));
  assert_state(scene.record(id), TaskState::cancelled);
  assert_text_equal(scene.record(id).error_code, "cancelled");
  assert_int_equal(scene.beat(worker).stops.size(), 0);
}

static void a_task_that_was_done_before_the_request_came_is_done(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  scene.order(id, TaskOrder::cancel);
  scene.finish(worker, claimed);
  assert_state(scene.record(id), TaskState::done);
}

static void what_was_asked_to_cancel_is_not_tried_again(void**) {
  Scene scene;
  const auto worker = scene.worker();
  for (const auto outcome : {Outcome::again, Outcome::handed_back}) {
    const auto id = scene.add();
    const auto claimed = scene.claim_one(worker);
    scene.order(id, TaskOrder::cancel);
    scene.report(worker, report_of(claimed, outcome));
    assert_state(scene.record(id), TaskState::cancelled);
  }
}

static void a_lost_workers_cancelled_task_is_cancelled(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"x:a"}});
  scene.claim_one(scene.worker());
  scene.order(id, TaskOrder::cancel);
  scene.pass_time(31s);
  assert_text_equal(events_of(scene.tend_all().changes), "cancelled");
  assert_state(scene.record(id), TaskState::cancelled);
  assert_int_equal(fixture().held_locks().size(), 0);
}

static void the_owner_of_a_task_is_asked_to_hand_it_back(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  assert_true(scene.order(id, TaskOrder::requeue).requested);
  assert_true(has_note(scene.detail(id), core::NoteKind::requeue_requested));
  const auto stops = scene.beat(worker).stops;
  assert_int_equal(stops.size(), 1);
  assert_false(stops[0].cancel);
  scene.report(worker, report_of(claimed, Outcome::handed_back));
  assert_waits(scene.record(id), WaitsFor::nothing);
  assert_int_equal(scene.beat(worker).stops.size(), 0);
  assert_int_equal(scene.claim(worker).size(), 1);
  assert_int_equal(scene.beat(worker).stops.size(), 0);  // the request was for the claim before
}

static void a_cancel_overrules_a_requeue(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  scene.claim_one(worker);
  scene.order(id, TaskOrder::requeue);
  scene.order(id, TaskOrder::cancel);
  assert_true(scene.beat(worker).stops[0].cancel);
  assert_true(scene.try_order(id, TaskOrder::requeue).error().code == base::Code::conflict);
  assert_true(scene.beat(worker).stops[0].cancel);
}

static void what_waits_for_its_time_is_started_now(void**) {
  Scene scene;
  const auto first = scene.add({.run_at = base::wall_now() + 1h});
  const auto second = scene.add({.run_at = base::wall_now() + 1h});
  assert_true(scene.order(first, TaskOrder::requeue).state == TaskState::queued);
  const auto outcome = scene.order(second, TaskOrder::retry);
  assert_true(outcome.id == second && outcome.state == TaskState::queued && !outcome.requested);
  assert_ids(ids_of(scene.claim(scene.worker())), {first, second});
}

static void a_retry_of_a_finished_task_is_a_new_task(void**) {
  Scene scene;
  const auto id = scene.add({.kind = "chore", .priority = 3, .locks = {"x:a"}, .key = "k"});
  const auto worker = scene.worker();
  scene.report(worker, report_of(scene.claim_one(worker), Outcome::failed));
  const auto outcome = scene.order(id, TaskOrder::retry);
  assert_true(outcome.id != id && outcome.state == TaskState::queued);
  assert_state(scene.record(id), TaskState::failed);  // the old one stays what it was
  const auto made = scene.record(outcome.id);
  assert_true(made.retry_of == id);
  assert_text_equal(made.envelope.kind, "chore");
  assert_int_equal(made.envelope.priority, 3);
  assert_true(made.envelope.locks == std::vector<std::string>{"x:a"});
  assert_int_equal(made.attempt, 0);
  assert_text_equal(scene.detail(outcome.id).timeline[0].actor, "grace");
  assert_true(scene.submit({.kind = "chore", .priority = 3, .locks = {"x:a"}, .key = "k"}).id == id);
}

static void a_retry_behind_a_failed_dependency_goes_ahead(void**) {
  Scene scene;
  const auto first = scene.add();
  const auto second = scene.add({.depends_on = {first}});
  scene.order(first, TaskOrder::cancel);
  assert_text_equal(scene.record(second).error_code, "dependency");
  const auto again = scene.order(second, TaskOrder::retry);
  assert_true(again.state == TaskState::queued);
  assert_waits(scene.record(again.id), WaitsFor::nothing);
}

static void orders_that_the_state_does_not_allow_say_so(void**) {
  Scene scene;
  const auto code = [&](TaskId id, TaskOrder order) { return scene.try_order(id, order).error().code; };
  assert_true(code(TaskId{4'000'000}, TaskOrder::cancel) == base::Code::not_found);
  const auto id = scene.add();
  assert_true(code(id, TaskOrder::requeue) == base::Code::conflict);
  assert_true(code(id, TaskOrder::retry) == base::Code::conflict);
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  assert_true(code(id, TaskOrder::retry) == base::Code::conflict);
  scene.finish(worker, claimed);
  assert_true(code(id, TaskOrder::cancel) == base::Code::conflict);
  assert_true(code(id, TaskOrder::requeue) == base::Code::conflict);
  assert_non_null(strstr(scene.try_order(id, TaskOrder::cancel).error().message.c_str(), "done"));
}

static void a_final_state_never_changes(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  scene.finish(worker, claimed);
  for (const auto outcome : {Outcome::failed, Outcome::again, Outcome::handed_back, Outcome::cancelled})
    assert_false(scene.report(worker, report_of(claimed, outcome)).reports[0].accepted);
  scene.worker();  // a new incarnation
  scene.pass_time(1h);
  scene.tend_all();
  for (const auto order : {TaskOrder::cancel, TaskOrder::requeue})
    assert_false(scene.try_order(id, order).ok());
  assert_state(scene.record(id), TaskState::done);
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed started succeeded");
}

static void work_and_orders_raise_a_hint(void**) {
  Scene scene;
  const auto after = [&](const std::function<void()>& what, const char* name) {
    const int before = scene.hints;
    what();
    run_until(scene.loop, [&] { return scene.hints > before; }, name);
  };
  TaskId id{0};
  after([&] { id = scene.add(); }, "a hint of a new task");
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  after([&] { scene.order(id, TaskOrder::cancel); }, "a hint of a request to stop");
  scene.report(worker, report_of(claimed, Outcome::cancelled));
}

Tests order_tests() {
  return {
      cmocka_unit_test(a_queued_task_is_cancelled_at_once_whatever_it_waits_for),
      cmocka_unit_test(the_owner_of_a_task_is_asked_to_cancel_it),
      cmocka_unit_test(a_task_that_was_done_before_the_request_came_is_done),
      cmocka_unit_test(what_was_asked_to_cancel_is_not_tried_again),
      cmocka_unit_test(a_lost_workers_cancelled_task_is_cancelled),
      cmocka_unit_test(the_owner_of_a_task_is_asked_to_hand_it_back),
      cmocka_unit_test(a_cancel_overrules_a_requeue),
      cmocka_unit_test(what_waits_for_its_time_is_started_now),
      cmocka_unit_test(a_retry_of_a_finished_task_is_a_new_task),
      cmocka_unit_test(a_retry_behind_a_failed_dependency_goes_ahead),
      cmocka_unit_test(orders_that_the_state_does_not_allow_say_so),
      cmocka_unit_test(a_final_state_never_changes),
      cmocka_unit_test(work_and_orders_raise_a_hint),
  };
}

}  // namespace fairlead::contract
