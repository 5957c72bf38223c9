// What operators see: lists, counts, and one task's timeline.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void the_list_is_newest_first_and_of_what_is_not_final(void**) {
  Scene scene;
  const auto a = scene.add({.priority = 1});
  const auto b = scene.add();
  const auto c = scene.add({.kind = "chore"});
  const auto worker = scene.worker();
  const auto claimed = scene.claim(worker, 1);
  scene.finish(worker, claimed[0]);
  const auto owned = scene.claim(worker, 1);
  assert_ids(scene.ids(), {c, b});
  core::TaskFilter filter;
  filter.states = {TaskState::done, TaskState::queued, TaskState::claimed};
  assert_ids(scene.ids(filter), {c, b, a});
  filter.most = 2;
  assert_ids(scene.ids(filter), {c, b});
  filter.before = b;
  assert_ids(scene.ids(filter), {a});
  filter = {};
  filter.kind = "chore";
  assert_ids(scene.ids(filter), {c});
  filter = {};
  filter.worker = "anna";
  assert_ids(scene.ids(filter), {b});
  filter.states = {TaskState::done};
  assert_ids(scene.ids(filter), {a});
  filter = {};
  filter.waits_for = WaitsFor::nothing;
  assert_ids(scene.ids(filter), {c});
  filter.waits_for = WaitsFor::lock;
  assert_ids(scene.ids(filter), {});
}

static void a_list_leaves_payloads_out(void**) {
  Scene scene;
  auto sent = submission({});
  sent.envelope.payload = R"({"long":"text"})";
  scene.submit_all({sent});
  const auto listed = scene.list();
  assert_int_equal(listed.size(), 1);
  assert_text_equal(listed[0].envelope.payload, "");
  sent.envelope.payload.clear();
  assert_true(listed[0].envelope == sent.envelope);
}

static void the_timeline_tells_every_transition_with_its_epoch(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  scene.report(worker, report_of(scene.claim_one(worker), core::Report::Outcome::handed_back));
  scene.finish(worker, scene.claim_one(worker));
  const auto detail = scene.detail(id);
  assert_text_equal(events_of(detail), "submitted claimed started handed_back claimed started succeeded");
  const std::int64_t epochs[] = {0, 1, 1, 2, 3, 3, 3};
  for (std::size_t i = 0; i < detail.timeline.size(); ++i) {
    const auto& entry = detail.timeline[i];
    assert_int_equal(number(entry.epoch), epochs[i]);
    assert_non_null(core::find_transition(entry.from, entry.event));
    assert_true(core::find_transition(entry.from, entry.event)->to == entry.to);
    if (i > 0) assert_true(detail.timeline[i - 1].to == entry.from);
    if (i > 0) assert_true(detail.timeline[i - 1].time <= entry.time);
  }
}

static void any_text_comes_back_as_it_was(void**) {
  Scene scene;
  const std::string odd = "it's \"quoted\", \\, tab\t, newline\n, ü, 雪, [\"x\"], {}, %s, $1";
  auto sent = submission({});
  sent.envelope.actor = odd;
  const auto id = value_of(scene.submit_all({sent})[0]).id;
  const auto worker = scene.worker();
  auto report = report_of(scene.claim_one(worker));
  report.detail = odd;
  scene.report(worker, report);
  auto late = report;
  late.epoch = Epoch{77};
  late.result = R"({"odd":"\"ü\\"})";
  scene.report(worker, late);
  const auto detail = scene.detail(id);
  assert_text_equal(detail.task.envelope.actor, odd);
  assert_text_equal(detail.timeline[0].actor, odd);
  assert_text_equal(detail.timeline.back().detail, odd);
  assert_text_equal(detail.notes[0].detail, late.result);
}

static void the_counts_are_by_kind_state_and_what_is_waited_for(void**) {
  Scene scene;
  for (int i = 0; i < 3; ++i) scene.add();
  scene.add({.kind = "chore", .run_at = base::wall_now() + 24h});
  const auto worker = scene.worker();
  const auto claimed = scene.claim(worker, 2);
  scene.finish(worker, claimed[0]);
  scene.pass_time(1h);
  const auto stats = scene.stats();
  assert_int_equal(stats.history, 1);
  assert_int_equal(stats.rows.size(), 3);
  for (const auto& row : stats.rows) {
    assert_int_equal(row.count, 1);
    assert_true(row.oldest >= 1h && row.oldest < 2h);
    if (row.kind == "chore")
      assert_true(row.state == TaskState::queued && row.waits_for == WaitsFor::time);
    else if (row.state == TaskState::queued)
      assert_true(row.waits_for == WaitsFor::nothing);
    else
      assert_true(row.state == TaskState::claimed);
  }
}

static void what_is_not_there_is_not_found(void**) {
  Scene scene;
  const auto found =
      scene.ask<core::TaskDetail>([&](auto done) { scene.first().find(TaskId{7}, std::move(done)); });
  assert_true(found.error().code == base::Code::not_found);
  assert_non_null(strstr(found.error().message.c_str(), "7"));
}

static void another_daemon_sees_the_same(void**) {
  Scene scene;
  const auto id = scene.submit({.priority = 5}, &scene.second()).id;
  assert_int_equal(scene.record(id).envelope.priority, 5);
  const auto worker = scene.worker("anna", &scene.second());
  scene.claim_one(worker);
  assert_state(scene.record(id), TaskState::claimed);
  assert_int_equal(scene.workers().size(), 1);
}

Tests query_tests() {
  return {
      cmocka_unit_test(the_list_is_newest_first_and_of_what_is_not_final),
      cmocka_unit_test(a_list_leaves_payloads_out),
      cmocka_unit_test(the_timeline_tells_every_transition_with_its_epoch),
      cmocka_unit_test(any_text_comes_back_as_it_was),
      cmocka_unit_test(the_counts_are_by_kind_state_and_what_is_waited_for),
      cmocka_unit_test(what_is_not_there_is_not_found),
      cmocka_unit_test(another_daemon_sees_the_same),
  };
}

}  // namespace fairlead::contract
