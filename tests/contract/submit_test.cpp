// Submitting: alone, in batches, and again under an idempotency key.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void a_submitted_task_is_ready_and_stored_whole(void**) {
  Scene scene;
  Wish wish;
  wish.priority = 7;
  wish.locks = {"node:nas", "site:attic"};
  wish.target = "site:attic";
  wish.key = "nightly";
  auto sent = submission(wish);
  sent.envelope.payload = R"({"say":"it's \"here\" \\ ü","list":[1,2]})";
  const auto answers = scene.submit_all({sent});
  const auto submitted = value_of(answers[0]);
  assert_true(number(submitted.id) > 0);
  assert_false(submitted.existed);
  assert_true(submitted.state == TaskState::queued && submitted.waits_for == WaitsFor::nothing);
  const auto detail = scene.detail(submitted.id);
  assert_true(detail.task.envelope == sent.envelope);
  assert_text_equal(detail.task.route, "job@site:attic");
  assert_waits(detail.task, WaitsFor::nothing);
  assert_int_equal(number(detail.task.epoch), 0);
  assert_int_equal(detail.task.attempt, 0);
  assert_text_equal(events_of(detail), "submitted");
  assert_text_equal(detail.timeline[0].actor, "ada");
  assert_false(detail.timeline[0].from.has_value());
  const auto age = base::wall_now() - detail.task.submitted_at;
  assert_true(age > -1h && age < 1h);
}

static void a_batch_is_answered_in_order_and_each_for_itself(void**) {
  Scene scene;
  std::vector<core::Submission> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(submission({.priority = i}));
  tasks[20].envelope.depends_on = {TaskId{4'000'000}};
  tasks[30].envelope.idempotency_key = tasks[31].envelope.idempotency_key = "twice";
  tasks[31].envelope.payload = R"("another")";
  const auto answers = scene.submit_all(tasks);
  assert_int_equal(answers.size(), 50);
  TaskId last{0};
  for (std::size_t i = 0; i < 50; ++i) {
    if (i == 20) {
      assert_true(answers[i].error().code == base::Code::not_found);
      continue;
    }
    if (i == 31) {
      assert_true(answers[i].error().code == base::Code::conflict);
      continue;
    }
    const auto submitted = value_of(answers[i]);
    assert_true(number(submitted.id) > number(last));
    last = submitted.id;
    assert_int_equal(scene.record(last).envelope.priority, i);
  }
  assert_int_equal(scene.ids().size(), 48);
  assert_int_equal(scene.submit_all({}).size(), 0);
}

static void a_large_batch_is_stored(void**) {
  Scene scene;
  std::vector<core::Submission> tasks(1'000, submission({}));
  const auto answers = scene.submit_all(tasks);
  for (const auto& answer : answers) assert_true(answer.ok());
  const auto worker = scene.worker();
  assert_int_equal(scene.claim(worker, 2'000).size(), 1'000);
}

static void the_largest_payload_is_stored(void**) {
  Scene scene;
  auto sent = submission({});
  sent.envelope.payload = "\"" + std::string(core::kMaxPayload - 2, 'x') + "\"";
  const auto id = value_of(scene.submit_all({sent})[0]).id;
  const auto worker = scene.worker();
  assert_true(scene.claim_one(worker).task.envelope.payload == sent.envelope.payload);
  assert_true(scene.record(id).envelope.payload == sent.envelope.payload);
}

static void the_same_key_and_content_is_the_same_task(void**) {
  Scene scene;
  const auto first = scene.submit({.key = "k"});
  auto again = submission({.key = "k"});
  again.envelope.actor = "somebody else";
  again.envelope.trace_id = "ffffffffffffffffffffffffffffffff";
  const auto second = value_of(scene.submit_all({again})[0]);
  assert_true(second.existed && second.id == first.id && second.state == TaskState::queued);
  assert_int_equal(scene.ids().size(), 1);
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  assert_true(scene.submit({.key = "k"}).state == TaskState::claimed);
  scene.finish(worker, claimed);
  const auto after = scene.submit({.key = "k"}, &scene.second());
  assert_true(after.existed && after.id == first.id && after.state == TaskState::done);
}

static void the_same_key_with_another_content_is_a_conflict(void**) {
  Scene scene;
  scene.submit({.key = "k"});
  const auto other = scene.try_submit({.priority = 3, .key = "k"});
  assert_true(other.error().code == base::Code::conflict);
  assert_non_null(strstr(other.error().message.c_str(), "k"));
  assert_int_equal(scene.ids().size(), 1);
}

static void a_key_belongs_to_its_kind(void**) {
  Scene scene;
  const auto one = scene.submit({.kind = "job", .key = "k"});
  const auto other = scene.submit({.kind = "chore", .key = "k"});
  assert_false(other.existed);
  assert_true(one.id != other.id);
}

static void a_key_is_remembered_for_a_time_after_the_end_and_then_free(void**) {
  Scene scene;
  const auto first = scene.submit({.key = "k"});
  core::TendSettings settings;
  settings.key_memory = 1h;
  scene.pass_time(2h);
  scene.tend_all(settings);
  assert_true(scene.submit({.key = "k"}).existed);  // while the task lives, its age does not matter
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  scene.pass_time(59min);
  scene.tend_all(settings);
  assert_true(scene.submit({.key = "k"}).existed);
  scene.pass_time(2min);
  scene.tend_all(settings);
  const auto second = scene.submit({.priority = 9, .key = "k"});
  assert_false(second.existed);
  assert_true(second.id != first.id);
}

Tests submit_tests() {
  return {
      cmocka_unit_test(a_submitted_task_is_ready_and_stored_whole),
      cmocka_unit_test(a_batch_is_answered_in_order_and_each_for_itself),
      cmocka_unit_test(a_large_batch_is_stored),
      cmocka_unit_test(the_largest_payload_is_stored),
      cmocka_unit_test(the_same_key_and_content_is_the_same_task),
      cmocka_unit_test(the_same_key_with_another_content_is_a_conflict),
      cmocka_unit_test(a_key_belongs_to_its_kind),
      cmocka_unit_test(a_key_is_remembered_for_a_time_after_the_end_and_then_free),
  };
}

}  // namespace fairlead::contract
