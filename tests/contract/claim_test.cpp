// Claiming: what first, for whom, how many, and never twice.
#include <set>

#include "contract/scene.hpp"

namespace fairlead::contract {

static void tasks_come_by_priority_and_then_age_over_several_routes(void**) {
  Scene scene;
  const auto a = scene.add({.priority = 100});
  const auto b = scene.add({.priority = 50, .target = "site:attic"});
  const auto c = scene.add({.priority = 100, .target = "node:anna"});
  const auto d = scene.add({.priority = 50});
  const auto e = scene.add({.priority = 0, .target = "site:attic"});
  const auto elsewhere = scene.add({.priority = 0, .target = "site:cellar"});
  auto worker = scene.worker();
  worker.routes = {"job@", "job@site:attic", "job@node:anna", "job@worker:anna"};
  assert_ids(ids_of(scene.claim(worker, 3)), {e, b, d});
  assert_ids(ids_of(scene.claim(worker, 3)), {a, c});
  assert_ids(ids_of(scene.claim(worker, 3)), {});
  assert_waits(scene.record(elsewhere), WaitsFor::nothing);
}

static void a_hooks_route_decides_and_not_the_envelopes_target(void**) {
  Scene scene;
  auto sent = submission({});
  sent.route = "job@worker:berta";
  const auto id = value_of(scene.submit_all({sent})[0]).id;
  auto anna = scene.worker("anna");
  auto berta = scene.worker("berta");
  berta.routes = {"job@", "job@worker:berta"};
  assert_ids(ids_of(scene.claim(anna)), {});
  assert_ids(ids_of(scene.claim(berta)), {id});
}

static void a_claim_says_everything_that_its_worker_needs(void**) {
  Scene scene;
  auto sent = submission({.locks = {"site:attic"}});
  sent.envelope.payload = R"({"n":1})";
  const auto id = value_of(scene.submit_all({sent})[0]).id;
  const auto worker = scene.worker();
  core::Exchange wanted;
  wanted.slots = {{worker.routes, 5}};
  wanted.most = 5;
  const auto outcome = scene.exchange(worker, wanted);
  assert_true(outcome.lease_live);
  assert_int_equal(outcome.claimed.size(), 1);
  const auto& task = outcome.claimed[0].task;
  assert_true(task.id == id && task.envelope == sent.envelope && task.state == TaskState::claimed);
  assert_int_equal(number(task.epoch), 1);
  assert_int_equal(task.attempt, 1);
  assert_text_equal(task.worker, "anna");
  assert_true(task.claimed_at.has_value());
  assert_false(outcome.claimed[0].own_end.has_value());
  assert_text_equal(events_of(outcome.changes), "claimed");
  assert_text_equal(outcome.changes[0].worker, "anna");
  assert_text_equal(outcome.changes[0].kind, "job");
}

static void limits_by_capability_and_in_all_hold(void**) {
  Scene scene;
  std::vector<core::Submission> tasks;
  for (int i = 0; i < 10; ++i) {
    auto chore = submission({.kind = "chore", .priority = 1});
    chore.envelope.capability = "chore";
    chore.route = "chore@";
    tasks.push_back(chore);
    tasks.push_back(submission({.priority = 2}));
  }
  scene.submit_all(tasks);
  const auto worker = scene.worker();
  core::Exchange wanted;
  wanted.slots = {{{"job@"}, 4}, {{"chore@"}, 3}};
  wanted.most = 5;
  const auto count = [](const std::vector<core::Claimed>& claimed, const char* kind) {
    return std::count_if(claimed.begin(), claimed.end(),
                         [&](const core::Claimed& one) { return one.task.envelope.kind == kind; });
  };
  auto claimed = scene.exchange(worker, wanted).claimed;
  assert_int_equal(count(claimed, "chore"), 3);  // they come first, but there are places for three
  assert_int_equal(count(claimed, "job"), 2);
  wanted.most = 100;
  claimed = scene.exchange(worker, wanted).claimed;
  assert_int_equal(count(claimed, "chore"), 3);
  assert_int_equal(count(claimed, "job"), 4);
  wanted.slots = {{{"job@"}, 0}};
  assert_int_equal(scene.exchange(worker, wanted).claimed.size(), 0);
}

static void two_daemons_never_claim_the_same_task(void**) {
  Scene scene;
  std::vector<core::Submission> tasks(600, submission({}));
  scene.submit_all(tasks);
  const auto anna = scene.worker("anna", &scene.first());
  const auto berta = scene.worker("berta", &scene.second());
  std::set<TaskId> seen;
  int answers = 0, asked = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto& worker : {anna, berta}) {
      ++asked;
      core::Exchange wanted;
      wanted.worker = worker.key;
      wanted.slots = {{worker.routes, 17}};
      wanted.most = 17;
      worker.store->exchange(wanted, [&](base::Result<core::ExchangeOutcome> outcome) {
        ++answers;
        for (const auto& one : value_of(std::move(outcome)).claimed)
          assert_true(seen.insert(one.task.id).second);
      });
    }
  }
  run_until(scene.loop, [&] { return answers == asked; }, "all answers");
  assert_int_equal(seen.size(), 600);
}

static void finishing_and_claiming_is_one_exchange(void**) {
  Scene scene;
  const auto lock = scene.add({.locks = {"node:nas"}});
  const auto next = scene.add({.locks = {"node:nas"}});
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  assert_true(claimed.task.id == lock);
  core::Exchange both;
  both.reports = {report_of(claimed)};
  both.slots = {{worker.routes, 3}};
  both.most = 3;
  const auto outcome = scene.exchange(worker, both);
  assert_true(outcome.reports[0].accepted && outcome.reports[0].state == TaskState::done);
  assert_ids(ids_of(outcome.claimed), {next});
  assert_text_equal(events_of(outcome.changes), "started succeeded claimed");
}

static void started_and_its_report_in_one_exchange_is_one_life(void**) {
  Scene scene;
  const auto id = scene.add();
  const auto worker = scene.worker();
  const auto claimed = scene.claim_one(worker);
  core::Exchange said;
  said.started = {{id, claimed.task.epoch}};
  said.reports = {report_of(claimed)};
  const auto outcome = scene.exchange(worker, said);
  assert_text_equal(events_of(outcome.changes), "started succeeded");
  const auto detail = scene.detail(id);
  assert_text_equal(events_of(detail), "submitted claimed started succeeded");
  assert_true(detail.task.started_at && detail.task.finished_at);
}

Tests claim_tests() {
  return {
      cmocka_unit_test(tasks_come_by_priority_and_then_age_over_several_routes),
      cmocka_unit_test(a_hooks_route_decides_and_not_the_envelopes_target),
      cmocka_unit_test(a_claim_says_everything_that_its_worker_needs),
      cmocka_unit_test(limits_by_capability_and_in_all_hold),
      cmocka_unit_test(two_daemons_never_claim_the_same_task),
      cmocka_unit_test(finishing_and_claiming_is_one_exchange),
      cmocka_unit_test(started_and_its_report_in_one_exchange_is_one_life),
  };
}

}  // namespace fairlead::contract
