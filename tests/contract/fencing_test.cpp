// Fencing: writes under a stale epoch, a dead lease or by an older incarnation change nothing, and are kept
// as late reports.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

static void assert_late(Scene& scene, TaskId id, Epoch epoch, const std::string& result) {
  const auto detail = scene.detail(id);
  const auto note = std::find_if(detail.notes.begin(), detail.notes.end(),
                                 [](const auto& one) { return one.kind == core::NoteKind::late_report; });
  if (note == detail.notes.end()) fail_msg("the late report was not kept");
  assert_true(note->epoch == epoch);
  assert_text_equal(note->detail, result);
  assert_text_equal(note->worker, "anna");
}

static void every_change_of_ownership_has_a_new_epoch(void**) {
  Scene scene;
  const auto id = scene.add();
  auto anna = scene.worker();
  std::int64_t last = 0;
  const auto grew = [&](const char* what) {
    const auto now = number(scene.record(id).epoch);
    if (now <= last) fail_msg("the epoch did not grow at: %s", what);
    last = now;
  };
  auto claimed = scene.claim_one(anna);
  grew("claim");
  scene.report(anna, report_of(claimed, Outcome::handed_back));
  grew("hand-back");
  scene.report(anna, report_of(scene.claim_one(anna), Outcome::again));
  grew("retry");
  claimed = scene.claim_one(anna);
  grew("claim");
  anna = scene.worker();
  grew("loss");
  scene.order(id, core::TaskOrder::cancel);
  grew("cancel");
}

static void a_report_under_a_stale_epoch_is_kept_late_and_changes_nothing(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker();
  const auto stale = scene.claim_one(anna);
  scene.report(anna, report_of(stale, Outcome::handed_back));
  const auto berta = scene.worker("berta");
  const auto owned = scene.claim_one(berta);
  auto late = report_of(stale);
  late.result = R"({"late":true})";
  const auto outcome = scene.report(anna, late);
  assert_true(outcome.lease_live);
  assert_false(outcome.reports[0].accepted);
  assert_true(outcome.reports[0].state == TaskState::claimed);
  assert_text_equal(events_of(outcome.changes), "");
  assert_state(scene.record(id), TaskState::claimed);
  assert_text_equal(scene.record(id).worker, "berta");
  assert_text_equal(scene.record(id).result == late.result ? "changed" : "kept", "kept");
  assert_late(scene, id, stale.task.epoch, late.result);
  scene.finish(berta, owned);
  assert_false(scene.report(anna, late).reports[0].accepted);  // also when it is final
  assert_state(scene.record(id), TaskState::done);
  assert_int_equal(scene.detail(id).notes.size(), 2);
}

static void somebody_elses_epoch_does_not_help(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker("anna");
  const auto berta = scene.worker("berta");
  const auto owned = scene.claim_one(berta);
  core::Exchange said;
  said.started = {{id, owned.task.epoch}};
  said.reports = {report_of(owned)};
  const auto outcome = scene.exchange(anna, said);
  assert_false(outcome.reports[0].accepted);
  assert_state(scene.record(id), TaskState::claimed);
}

static void a_report_under_a_dead_lease_is_kept_late(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker();
  const auto claimed = scene.claim_one(anna);
  scene.pass_time(31s);
  const auto report = report_of(claimed);
  const auto outcome = scene.report(anna, report);
  assert_false(outcome.lease_live);
  assert_false(outcome.reports[0].accepted);
  assert_state(scene.record(id), TaskState::claimed);  // nobody has reaped yet
  assert_late(scene, id, claimed.task.epoch, report.result);
  assert_false(scene.beat(anna).lease_live);
}

static void an_older_incarnation_owns_nothing(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto older = scene.worker();
  const auto claimed = scene.claim_one(older);
  const auto newer = scene.worker();
  assert_true(newer.key.incarnation > older.key.incarnation);
  assert_waits(scene.record(id), WaitsFor::nothing);
  assert_int_equal(scene.record(id).lost_workers, 1);
  assert_int_equal(scene.record(id).attempt, 1);
  scene.add();
  core::Exchange said;
  said.reports = {report_of(claimed)};
  said.slots = {{older.routes, 5}};
  said.most = 5;
  const auto outcome = scene.exchange(older, said);
  assert_false(outcome.lease_live);
  assert_int_equal(outcome.claimed.size(), 0);
  assert_false(outcome.reports[0].accepted);
  assert_false(scene.beat(older).lease_live);
  assert_int_equal(scene.claim(newer).size(), 2);
}

static void a_report_that_is_said_again_is_accepted_once(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto anna = scene.worker();
  const auto claimed = scene.claim_one(anna);
  scene.finish(anna, claimed);
  const auto outcome = scene.report(anna, report_of(claimed));  // the first answer was lost on its way
  assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::done);
  assert_text_equal(events_of(outcome.changes), "");
  assert_text_equal(events_of(scene.detail(id)), "submitted claimed started succeeded");
  assert_int_equal(scene.detail(id).notes.size(), 0);
}

static void a_report_about_a_task_that_never_was_is_refused(void**) {
  Scene scene;
  const auto anna = scene.worker();
  core::Report report;
  report.id = TaskId{4'000'000};
  report.epoch = Epoch{1};
  const auto outcome = scene.report(anna, report);
  assert_false(outcome.reports[0].accepted);
  assert_true(outcome.lease_live);
}

static void an_unknown_worker_must_register(void**) {
  Scene scene;
  scene.add();
  const TestWorker nobody{&scene.first(), {"nobody", 1}, {"job@"}};
  assert_false(scene.beat(nobody).lease_live);
  core::Exchange wanted;
  wanted.slots = {{nobody.routes, 5}};
  wanted.most = 5;
  const auto outcome = scene.exchange(nobody, wanted);
  assert_false(outcome.lease_live);
  assert_int_equal(outcome.claimed.size(), 0);
}

Tests fencing_tests() {
  return {
      cmocka_unit_test(every_change_of_ownership_has_a_new_epoch),
      cmocka_unit_test(a_report_under_a_stale_epoch_is_kept_late_and_changes_nothing),
      cmocka_unit_test(somebody_elses_epoch_does_not_help),
      cmocka_unit_test(a_report_under_a_dead_lease_is_kept_late),
      cmocka_unit_test(an_older_incarnation_owns_nothing),
      cmocka_unit_test(a_report_that_is_said_again_is_accepted_once),
      cmocka_unit_test(a_report_about_a_task_that_never_was_is_refused),
      cmocka_unit_test(an_unknown_worker_must_register),
  };
}

}  // namespace fairlead::contract
