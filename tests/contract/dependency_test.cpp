// Tasks that wait for others.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

static std::string text_of_id(TaskId id) {
  return std::to_string(number(id));
}

static void a_task_waits_until_all_before_it_are_done(void**) {
  Scene scene;
  const auto a = scene.add();
  const auto b = scene.add();
  const auto last = scene.submit({.depends_on = {a, b}});
  assert_true(last.waits_for == WaitsFor::dependency);
  assert_waits(scene.record(last.id), WaitsFor::dependency, text_of_id(a).c_str());
  const auto worker = scene.worker();
  const auto claimed = scene.claim(worker);
  assert_ids(ids_of(claimed), {a, b});
  scene.finish(worker, claimed[0]);
  assert_waits(scene.record(last.id), WaitsFor::dependency, text_of_id(b).c_str());
  scene.finish(worker, claimed[1]);
  assert_waits(scene.record(last.id), WaitsFor::nothing);
  assert_ids(ids_of(scene.claim(worker)), {last.id});
}

static void what_is_done_already_is_not_waited_for(void**) {
  Scene scene;
  const auto first = scene.add();
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  assert_true(scene.submit({.depends_on = {first}}).waits_for == WaitsFor::nothing);
}

static void a_dependency_that_is_not_there_is_not_found(void**) {
  Scene scene;
  const auto refused = scene.try_submit({.depends_on = {TaskId{4'000'000}}});
  assert_true(refused.error().code == base::Code::not_found);
  assert_non_null(strstr(refused.error().message.c_str(), "4000000"));
  assert_int_equal(scene.ids().size(), 0);
}

static void a_failure_fails_everything_behind_it(void**) {
  Scene scene;
  const auto a = scene.add();
  const auto b = scene.add({.depends_on = {a}});
  const auto c = scene.add({.depends_on = {b}});
  const auto d = scene.add({.depends_on = {a, c}});
  const auto worker = scene.worker();
  const auto outcome = scene.report(worker, report_of(scene.claim_one(worker), Outcome::failed));
  assert_text_equal(events_of(outcome.changes),
                    "started gave_up dependency_failed dependency_failed dependency_failed");
  for (const auto id : {b, c, d}) {
    const auto detail = scene.detail(id);
    assert_state(detail.task, TaskState::failed);
    assert_text_equal(detail.task.error_code, "dependency");
    assert_text_equal(events_of(detail), "submitted dependency_failed");
    assert_int_equal(number(detail.task.epoch), 0);
  }
  assert_non_null(strstr(scene.detail(b).timeline[1].detail.c_str(), text_of_id(a).c_str()));
}

static void a_cancel_fails_everything_behind_it(void**) {
  Scene scene;
  const auto a = scene.add();
  const auto b = scene.add({.depends_on = {a}});
  const auto c = scene.add({.depends_on = {b}});
  assert_text_equal(events_of(scene.order(a, core::TaskOrder::cancel).changes),
                    "cancelled dependency_failed dependency_failed");
  assert_state(scene.record(c), TaskState::failed);
}

// As deep as the stack of a server is not: each fails because of the one before.
static void a_long_chain_fails_to_its_end(void**) {
  Scene scene;
  const auto head = scene.add();
  auto last = head;
  for (int i = 0; i < 600; ++i) last = scene.add({.depends_on = {last}});
  assert_int_equal(scene.order(head, core::TaskOrder::cancel).changes.size(), 601);
  assert_text_equal(scene.record(last).error_code, "dependency");
  assert_int_equal(scene.ids().size(), 0);
}

// More than a store does in one transaction.
constexpr std::size_t kCrowd = 1'200;

static TaskId crowd_behind_one(Scene& scene) {
  const auto head = scene.add();
  for (const auto& one : scene.submit_all(std::vector(kCrowd, submission({.depends_on = {head}}))))
    assert_true(value_of(one).waits_for == WaitsFor::dependency);
  return head;
}

static void however_many_wait_for_a_task_all_fail_with_it(void**) {
  Scene scene;
  const auto head = crowd_behind_one(scene);
  auto told = scene.order(head, core::TaskOrder::cancel).changes.size();
  while (!scene.ids().empty()) told += scene.tend_all().changes.size();
  told += scene.tend_all().changes.size();
  assert_int_equal(told, 1 + kCrowd);
  assert_int_equal(scene.stats().history, 1 + kCrowd);
}

static void however_many_wait_for_a_task_all_go_on_after_it(void**) {
  Scene scene;
  crowd_behind_one(scene);
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  std::size_t claimed = 0;
  while (claimed < kCrowd) {
    scene.tend({.history_count = 0});  // the history may forget the one that they wait for, but not yet
    claimed += scene.claim(worker, 1'000).size();
  }
  assert_int_equal(claimed, kCrowd);
}

static void what_depends_on_a_failed_task_fails_when_it_is_submitted(void**) {
  Scene scene;
  const auto a = scene.add();
  scene.order(a, core::TaskOrder::cancel);
  const auto b = scene.submit({.depends_on = {a}});
  assert_true(b.state == TaskState::failed);
  assert_text_equal(events_of(scene.detail(b.id)), "submitted dependency_failed");
}

static void a_retry_keeps_those_behind_it_waiting(void**) {
  Scene scene;
  const auto a = scene.add();
  const auto b = scene.add({.depends_on = {a}});
  const auto worker = scene.worker();
  scene.report(worker, report_of(scene.claim_one(worker), Outcome::again));
  assert_waits(scene.record(b), WaitsFor::dependency, text_of_id(a).c_str());
  scene.finish(worker, scene.claim_one(worker));
  assert_waits(scene.record(b), WaitsFor::nothing);
}

static void after_its_dependency_a_task_waits_for_the_rest_in_order(void**) {
  Scene scene;
  const auto a = scene.add();
  const auto holder = scene.add({.locks = {"node:nas"}});
  const auto b = scene.add({.locks = {"node:nas"}, .depends_on = {a}, .run_at = base::wall_now() + 1h});
  scene.pause(core::Pause::Scope::kind, "chore");
  const auto c = scene.add({.kind = "chore", .depends_on = {a}});
  assert_waits(scene.record(b), WaitsFor::dependency, text_of_id(a).c_str());
  assert_waits(scene.record(c), WaitsFor::dependency, text_of_id(a).c_str());
  auto worker = scene.worker();
  auto claimed = scene.claim(worker);
  assert_ids(ids_of(claimed), {a, holder});
  scene.finish(worker, claimed[0]);
  assert_waits(scene.record(b), WaitsFor::time);
  assert_waits(scene.record(c), WaitsFor::pause, "kind:chore");
  scene.pass_time(1h + 1s);
  scene.tend_all();
  assert_state(scene.record(holder), TaskState::queued);  // its worker was lost meanwhile
  assert_waits(scene.record(b), WaitsFor::lock, "node:nas");
  worker = scene.worker("berta");
  scene.finish(worker, scene.claim_one(worker));
  assert_waits(scene.record(b), WaitsFor::nothing);
}

Tests dependency_tests() {
  return {
      cmocka_unit_test(a_task_waits_until_all_before_it_are_done),
      cmocka_unit_test(what_is_done_already_is_not_waited_for),
      cmocka_unit_test(a_dependency_that_is_not_there_is_not_found),
      cmocka_unit_test(a_failure_fails_everything_behind_it),
      cmocka_unit_test(a_cancel_fails_everything_behind_it),
      cmocka_unit_test(a_long_chain_fails_to_its_end),
      cmocka_unit_test(however_many_wait_for_a_task_all_fail_with_it),
      cmocka_unit_test(however_many_wait_for_a_task_all_go_on_after_it),
      cmocka_unit_test(what_depends_on_a_failed_task_fails_when_it_is_submitted),
      cmocka_unit_test(a_retry_keeps_those_behind_it_waiting),
      cmocka_unit_test(after_its_dependency_a_task_waits_for_the_rest_in_order),
  };
}

}  // namespace fairlead::contract
