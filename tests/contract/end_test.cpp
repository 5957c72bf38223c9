// How an attempt ends: done, failed, again, handed back; and what each leaves in the record.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

static void done_is_final_and_keeps_its_result(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  core::Exchange started;
  started.started = {{id, claimed.task.epoch}};
  assert_text_equal(events_of(scene.exchange(worker, started).changes), "started");
  assert_state(scene.record(id), TaskState::running);
  auto report = report_of(claimed);
  report.result = R"({"out":"it's \u00fc"})";
  scene.report(worker, report);
  const auto detail = scene.detail(id);
  assert_state(detail.task, TaskState::done);
  assert_text_equal(detail.task.result, report.result);
  assert_text_equal(detail.task.error_code, "");
  assert_text_equal(detail.task.worker, "anna");
  assert_int_equal(number(detail.task.epoch), 1);
  assert_true(detail.task.finished_at.has_value());
  assert_text_equal(events_of(detail), "submitted claimed started succeeded");
  const auto& end = detail.timeline.back();
  assert_true(end.from == TaskState::running && end.to == TaskState::done);
  assert_text_equal(end.actor, "worker:anna");
  assert_text_equal(end.worker, "anna");
  assert_text_equal(end.detail, "exit 0 in 12 ms");
  assert_int_equal(number(end.epoch), 1);
}

static void failed_is_final_and_keeps_its_code(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto outcome = scene.report(worker, report_of(scene.claim_one(worker), Outcome::failed));
  assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::failed);
  assert_text_equal(events_of(outcome.changes), "started gave_up");
  assert_state(scene.record(id), TaskState::failed);
  assert_text_equal(scene.record(id).error_code, "runtime");
}

static void a_failure_before_its_work_began_has_no_start(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  auto report = report_of(scene.claim_one(worker), Outcome::failed);
  report.started = false;
  report.error_code = core::task_error::kNotStarted;
  scene.report(worker, report);
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed gave_up");
  assert_false(scene.record(id).started_at.has_value());
}

static void again_waits_for_its_time_and_then_counts_on(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  auto report = report_of(scene.claim_one(worker), Outcome::again);
  report.delay = 5min;
  const auto outcome = scene.report(worker, report);
  assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::queued);
  const auto waiting = scene.record(id);
  assert_waits(waiting, WaitsFor::time);
  assert_int_equal(waiting.attempt, 1);
  assert_int_equal(number(waiting.epoch), 2);
  assert_text_equal(waiting.error_code, "runtime");
  assert_text_equal(waiting.result, report.result);
  assert_ids(ids_of(scene.claim(worker)), {});
  assert_int_equal(scene.tend().promoted, 0);
  scene.pass_time(5min + 1s);
  scene.worker();  // its lease has passed meanwhile
  const auto berta = scene.worker("berta");
  assert_int_equal(scene.tend().promoted, 1);
  const auto second = scene.claim_one(berta);
  assert_int_equal(second.task.attempt, 2);
  assert_int_equal(number(second.task.epoch), 3);
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed started retry claimed");
}

static void again_after_the_last_attempt_has_failed(void**) {
  Scene scene;
  const auto id = scene.add({.max_attempts = 2});
  const auto worker = scene.worker();
  scene.report(worker, report_of(scene.claim_one(worker), Outcome::again));  // no delay: at once
  assert_waits(scene.record(id), WaitsFor::nothing);
  const auto outcome = scene.report(worker, report_of(scene.claim_one(worker), Outcome::again));
  assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::failed);
  assert_state(scene.record(id), TaskState::failed);
  assert_text_equal(scene.record(id).error_code, "runtime");
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed started retry claimed started gave_up");
}

static void what_was_handed_back_is_ready_at_once_and_not_counted(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"node:nas"}, .max_attempts = 1});
  const auto worker = scene.worker();
  for (int i = 0; i < 3; ++i) {
    const auto claimed = scene.claim_one(worker);
    assert_int_equal(claimed.task.attempt, 1);
    auto report = report_of(claimed, Outcome::handed_back);
    report.started = i > 0;
    const auto outcome = scene.report(worker, report);
    assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::queued);
    assert_waits(scene.record(id), WaitsFor::nothing);
    assert_int_equal(scene.record(id).attempt, 0);
    assert_int_equal(number(scene.record(id).epoch), 2 * (i + 1));
  }
  scene.finish(worker, scene.claim_one(worker));
  assert_state(scene.record(id), TaskState::done);
}

static void the_order_of_reports_is_the_order_of_answers(void**) {
  Scene scene;
  for (int i = 0; i < 4; ++i) scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim(worker);
  core::Exchange said;
  for (const auto& one : claimed) said.reports.push_back(report_of(one));
  said.reports[1].outcome = Outcome::failed;
  said.reports[2].epoch = Epoch{77};
  const auto outcome = scene.exchange(worker, said);
  assert_int_equal(outcome.reports.size(), 4);
  for (std::size_t i = 0; i < 4; ++i) assert_true(outcome.reports[i].id == claimed[i].task.id);
  assert_true(outcome.reports[0].state == TaskState::done && outcome.reports[1].state == TaskState::failed);
  assert_false(outcome.reports[2].accepted);
  assert_true(outcome.reports[2].state == TaskState::claimed);
  assert_true(outcome.reports[3].accepted);
}

Tests end_tests() {
  return {
      cmocka_unit_test(done_is_final_and_keeps_its_result),
      cmocka_unit_test(failed_is_final_and_keeps_its_code),
      cmocka_unit_test(a_failure_before_its_work_began_has_no_start),
      cmocka_unit_test(again_waits_for_its_time_and_then_counts_on),
      cmocka_unit_test(again_after_the_last_attempt_has_failed),
      cmocka_unit_test(what_was_handed_back_is_ready_at_once_and_not_counted),
      cmocka_unit_test(the_order_of_reports_is_the_order_of_answers),
  };
}

}  // namespace fairlead::contract
