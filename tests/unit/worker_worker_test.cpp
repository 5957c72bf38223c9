// The worker between a scripted store and an executor that the test drives.
#include <algorithm>

#include "base/json.hpp"
#include "worker_scene.hpp"

using namespace worker_scene;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

static void claims_only_what_it_can_start(void**) {
  auto with = settings();
  with.concurrency = 3;
  with.capabilities = {"gpu", "test"};
  with.per_capability = {{"gpu", 1}};
  Scene scene(with);
  scene.ready(a_task(1, "gpu"));
  scene.until([&] { return scene.at_work(1); }, "the first task");
  const auto before = scene.store.exchanges.size();
  scene.worker->on_hint();
  scene.until([&] { return scene.store.exchanges.size() > before; }, "the next exchange");
  const auto& asked = scene.store.exchanges.back();
  assert_int_equal(asked.most, 2);
  assert_int_equal(asked.slots.size(), 1);  // the one gpu is taken
  assert_text_equal(asked.slots[0].routes[0], "test@");
  assert_int_equal(asked.slots[0].most, 2);
}

static void its_routes_are_its_site_its_node_and_itself(void**) {
  Scene scene;
  scene.until([&] { return !scene.store.exchanges.empty(); }, "an exchange");
  auto routes = scene.store.exchanges[0].slots.at(0).routes;
  std::sort(routes.begin(), routes.end());
  assert_true(routes == (Texts{"test@", "test@node:nas", "test@site:attic", "test@worker:nas"}));
}

static void a_report_and_the_next_claim_travel_together(void**) {
  Scene scene;
  scene.ready(a_task(1));
  scene.ready(a_task(2));
  scene.until([&] { return scene.at_work(1) && scene.at_work(2); }, "both to be at work");
  scene.store.ready.push_back(a_task(3));
  scene.executor->end(core::TaskId{1}, {});
  scene.until([&] { return scene.at_work(3); }, "the third");
  const auto& last = scene.store.exchanges.back();
  const bool together = std::any_of(scene.store.exchanges.begin(), scene.store.exchanges.end(),
                                    [](const auto& one) { return !one.reports.empty() && one.most == 1; });
  assert_true(together);
  assert_true(last.most <= 1);
  assert_true(scene.store.outcomes() == Texts{"done"});
}

static void what_goes_on_is_told_as_started_and_what_was_short_is_not(void**) {
  Scene scene;
  auto took = base::Millis::max();
  int id = 0;
  while (took >= 100ms) {  // on a busy machine one or the other is not short
    assert_true(++id <= 100);
    const auto begun = base::steady_now();
    scene.store.started.clear();
    scene.ready(a_task(id));
    scene.until([&] { return scene.at_work(id); }, "the task");
    scene.executor->end(core::TaskId{id}, {});
    scene.until([&] { return static_cast<int>(scene.store.taken.size()) == id; }, "its report");
    took = std::chrono::ceil<base::Millis>(base::steady_now() - begun);
  }
  assert_int_equal(scene.store.started.size(), 0);
  assert_true(scene.store.taken.back().started);
  scene.ready(a_task(++id));
  scene.until([&] { return !scene.store.started.empty(); }, "a task to be told as started");
  assert_int_equal(core::number(scene.store.started[0].id), id);
  scene.executor->end(core::TaskId{id}, {});
  scene.until([&] { return static_cast<int>(scene.store.taken.size()) == id; }, "its report, too");
  assert_int_equal(scene.store.started.size(), 1);
}

static void a_failure_is_tried_again_later_and_later_and_then_has_failed(void**) {
  Scene scene;
  for (int attempt = 1; attempt <= 4; ++attempt) {
    auto task = a_task(1);
    task.attempt = attempt;
    scene.ready(task);
    scene.until([&] { return scene.at_work(1); }, "the attempt");
    scene.executor->end(core::TaskId{1}, failure());
    scene.until([&] { return static_cast<int>(scene.store.taken.size()) == attempt; }, "its report");
  }
  assert_true(scene.store.outcomes() == (Texts{"again", "again", "again", "failed"}));
  assert_true(scene.store.taken[0].delay == 1min);
  assert_true(scene.store.taken[1].delay == 5min);
  assert_true(scene.store.taken[2].delay == 15min);
  assert_text_equal(scene.store.taken[3].error_code, "runtime");
}

static void what_will_not_mend_is_not_tried_again(void**) {
  Scene scene;
  scene.executor->valid = false;
  scene.ready(a_task(1));
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
  assert_true(scene.store.outcomes() == Texts{"failed"});
  assert_text_equal(scene.store.taken[0].error_code, "validation");
}

static void a_kind_without_an_executor_fails_with_its_reason(void**) {
  Scene scene;
  auto task = a_task(1);
  task.envelope.kind = "unheard-of";
  scene.ready(task);
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
  assert_text_equal(scene.store.taken[0].error_code, "no_executor");
  assert_false(scene.store.taken[0].started);
}

static void a_result_that_is_refused_is_rolled_back(void**) {
  Scene scene;
  scene.executor->valid_after = false;
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  scene.executor->end(core::TaskId{1}, {});
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
  assert_int_equal(scene.executor->rolled_back, 1);
  assert_true(scene.store.outcomes() == Texts{"failed"});
  const auto result = base::Json::parse(scene.store.taken[0].result);
  assert_true(result.ok());
  assert_text_equal(std::string((*result)["error"]["message"].text()), "the result is odd; rolled back");
}

static void a_report_is_kept_while_the_store_is_away(void**) {
  Scene scene;
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  scene.store.away = true;
  const auto before = scene.store.exchanges.size();
  scene.executor->end(core::TaskId{1}, {});
  scene.until([&] { return scene.store.exchanges.size() > before; }, "the report to be tried");
  assert_true(scene.store.taken.empty());
  scene.store.away = false;
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
  assert_true(scene.store.outcomes() == Texts{"done"});
}

// A worker with one task at work. What `act` makes it ask has no answer: the store may have claimed for us
// what we never heard of, and learns from a registration what is really at work.
template <typename Act>
static void lose_an_exchange(Scene& scene, Act act) {
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  const auto before = scene.store.registrations;
  scene.store.away = true;
  const auto asked = scene.store.exchanges.size();
  act();
  scene.until([&] { return scene.store.exchanges.size() > asked; }, "the exchange that has no answer");
  scene.store.away = false;
  scene.until([&] { return scene.store.registrations == before + 1; }, "another registration");
  assert_int_equal(scene.store.kept.size(), 1);
  assert_int_equal(core::number(scene.store.kept[0].id), 1);
}

static void after_a_claim_without_an_answer_it_registers_anew_and_keeps_its_work(void**) {
  Scene scene;
  lose_an_exchange(scene, [&] { scene.worker->on_hint(); });
  scene.executor->end(core::TaskId{1}, {});
  scene.until([&] { return scene.store.taken.size() == 1; }, "its report, under the new incarnation");
  assert_int_equal(scene.store.exchanges.back().worker.incarnation, scene.store.registrations);
  assert_true(scene.store.outcomes() == Texts{"done"});
}

static void a_result_that_is_not_reported_yet_is_kept_through_a_new_registration(void**) {
  Scene scene;
  lose_an_exchange(scene, [&] { scene.executor->end(core::TaskId{1}, {}); });
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
}

static core::WorkerSettings many() {
  auto with = settings();
  with.concurrency = 256;
  return with;
}

// A worker of 256 that had all hands full and has ended them in two lots, each in an exchange that is under
// way.
struct Busy : Scene {
  Busy() : Scene(many()) {
    for (int id = 1; id <= 600; ++id) store.ready.push_back(a_task(id));
    worker->on_hint();
    until([this] { return worker->running() == 256; }, "all hands to be full");
    until([this] { return store.started.size() == 256; }, "all to be told as started");
    run_for(loop, 20ms);
    const auto asked = store.exchanges.size();
    run_for(loop, 50ms);
    assert_int_equal(store.exchanges.size(), asked);  // with full hands there is nothing to ask
    store.hold = true;
    for (std::size_t lot = 1; lot <= 2; ++lot) {
      for (int i = 0; i < 128; ++i) executor->end(executor->runs.begin()->first, {});
      until([&] { return store.held.size() == lot; }, "an exchange");
    }
  }
};

static void where_there_is_plenty_a_second_exchange_goes_out_before_the_first_is_answered(void**) {
  Busy scene;
  for (const auto& [exchange, done] : scene.store.held) {
    assert_int_equal(exchange.most, 128);
    assert_int_equal(exchange.reports.size(), 128);
  }
  scene.worker->on_hint();
  run_for(scene.loop, 50ms);
  assert_int_equal(scene.store.held.size(), 2);
  scene.store.hold = false;
  while (!scene.store.held.empty()) scene.store.answer_held();
  scene.until([&] { return scene.worker->running() == 256; }, "the next");
  assert_int_equal(scene.store.taken.size(), 256);
}

static void where_there_is_nothing_to_do_one_exchange_is_enough(void**) {
  Scene scene(many());
  scene.until([&] { return !scene.store.exchanges.empty(); }, "the first exchange");
  scene.store.hold = true;
  for (int i = 0; i < 3; ++i) {
    scene.worker->on_hint();
    run_for(scene.loop, 20ms);
  }
  assert_int_equal(scene.store.held.size(), 1);
}

// What the other one claims must be among what a new incarnation keeps.
static void after_a_lost_claim_it_registers_anew_when_no_other_is_on_its_way(void**) {
  Busy scene;
  const auto before = scene.store.registrations;
  scene.store.away = true;
  scene.store.answer_held();
  run_for(scene.loop, 50ms);
  scene.store.away = false;
  assert_int_equal(scene.store.registrations, before);
  assert_int_equal(scene.store.held.size(), 1);  // and nothing new is asked
  scene.store.hold = false;
  scene.store.answer_held();
  scene.until([&] { return scene.store.registrations == before + 1; }, "another registration");
  assert_int_equal(scene.store.kept.size(), 128 + 128);  // what it claimed, and the reports of the lost one
  scene.until([&] { return scene.store.taken.size() == 256; }, "every report");
}

static void a_report_that_the_store_cannot_take_holds_up_nothing_else(void**) {
  auto with = settings();
  with.concurrency = 3;
  Scene scene(with);
  for (int id = 1; id <= 3; ++id) scene.ready(a_task(id));
  scene.until([&] { return scene.at_work(1) && scene.at_work(2) && scene.at_work(3); }, "three tasks");
  scene.store.refuses = core::TaskId{2};
  for (int id = 1; id <= 3; ++id) scene.executor->end(core::TaskId{id}, {});
  scene.until([&] { return scene.store.taken.size() == 2; }, "the reports of the others");
  scene.ready(a_task(4));
  scene.until([&] { return scene.at_work(4); }, "another task");
  scene.store.refuses = core::TaskId{0};
  scene.until([&] { return scene.store.taken.size() == 3; }, "the report that is kept");
  assert_int_equal(core::number(scene.store.taken[2].id), 2);
}

static void a_cancel_stops_the_work_and_is_reported_as_one(void**) {
  Scene scene;
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  scene.store.stops = {{core::TaskId{1}, core::Epoch{7}, true}};  // meant for another owner
  scene.worker->on_hint();
  scene.until([&] { return scene.store.stops.empty(); }, "the order to be told");
  assert_true(scene.at_work(1));
  scene.store.stops = {{core::TaskId{1}, core::Epoch{1}, true}};
  scene.worker->on_hint();
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report");
  assert_true(scene.store.outcomes() == Texts{"cancelled"});
  assert_text_equal(scene.store.taken[0].error_code, "cancelled");
}

static void a_drained_worker_claims_nothing_more(void**) {
  Scene scene;
  scene.store.draining = true;
  scene.until([&] { return scene.worker->draining(); }, "the worker to know");
  scene.ready(a_task(1));
  run_for(scene.loop, 50ms);
  assert_int_equal(scene.store.ready.size(), 1);
}

static void a_lease_that_is_not_renewed_ends_the_work_and_it_registers_anew(void**) {
  auto with = settings();
  with.lease = 2400ms;
  Scene scene(with);
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  scene.store.away = true;
  scene.until([&] { return !scene.at_work(1); }, "the work to be stopped");
  scene.until([&] { return scene.worker->lease() == worker::Lease::State::lapsed; }, "the lease to lapse");
  scene.store.away = false;
  const auto before = scene.store.registrations;
  scene.until([&] { return scene.store.registrations > before; }, "another registration");
  scene.until([&] { return scene.store.taken.size() == 1; }, "the report of what was stopped");
  assert_true(scene.store.outcomes() == Texts{"handed_back"});
}

// Two daemons under one name ousted each other forty times a second, and every task was poison.
static void whose_name_was_taken_waits_until_it_is_free(void**) {
  Scene scene;
  scene.until([&] { return scene.store.beats > 0; }, "a first beat");
  core::WorkerRecord other;
  other.info.name = "nas";
  other.incarnation = 99;
  other.state = core::WorkerState::late;
  scene.store.others = {other};
  scene.store.lease_live = false;
  const auto tried = [&](const std::function<bool()>& done, const char* what) {
    scene.until([&] { return scene.worker->on_store(), done(); },
                what);  // at once, without waiting for timers
  };
  tried([&] { return scene.store.looks > 2; }, "some looks at who has the name");
  assert_int_equal(scene.store.registrations, 1);
  scene.store.others[0].state = core::WorkerState::offline;
  tried([&] { return scene.store.registrations == 2; }, "a registration");
}

static void a_claim_with_its_own_end_outlives_the_lease(void**) {
  auto with = settings();
  with.lease = 2400ms;
  Scene scene(with);
  scene.store.own_end = 1h;
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  assert_true(scene.executor->leases[core::TaskId{1}] > base::BootClock::now() + 50min);
  scene.store.away = true;
  scene.until([&] { return scene.worker->lease() == worker::Lease::State::lapsed; }, "the lease to lapse");
  assert_true(scene.at_work(1));
  scene.store.away = false;
  scene.until([&] { return scene.worker->lease() == worker::Lease::State::live; }, "another registration");
  assert_int_equal(scene.store.kept.size(), 1);
  assert_true(scene.at_work(1));
}

static void renewals_reach_the_children(void**) {
  auto with = settings();
  with.lease = 6s;  // renewed at a third of it; a machine that stands still for longer than the rest loses it
  Scene scene(with);
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  const auto first = scene.executor->leases[core::TaskId{1}];
  scene.until([&] { return scene.executor->leases[core::TaskId{1}] > first; }, "the lease to move");
}

static void a_stop_waits_for_what_is_under_way(void**) {
  Scene scene;
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  bool stopped = false;
  scene.worker->stop([&] { stopped = true; });
  scene.ready(a_task(2));
  run_for(scene.loop, 50ms);
  assert_false(stopped);
  assert_false(scene.at_work(2));
  scene.executor->end(core::TaskId{1}, {});
  scene.until([&] { return stopped; }, "the worker to stop");
  assert_true(scene.store.outcomes() == Texts{"done"});
  assert_true(scene.store.left);
}

static void what_does_not_end_by_the_stops_deadline_is_handed_back(void**) {
  auto with = settings();
  with.stop_deadline = 20ms;
  Scene scene(with);
  scene.ready(a_task(1));
  scene.until([&] { return scene.at_work(1); }, "the task");
  scene.stop();
  assert_true(scene.store.outcomes() == Texts{"handed_back"});
  assert_true(scene.store.left);
}

static void a_stop_without_a_store_does_not_wait_for_it(void**) {
  auto with = settings();
  with.stop_deadline = 20ms;
  with.lease = 2400ms;
  Scene scene(with);
  scene.until([&] { return scene.worker->lease() == worker::Lease::State::live; }, "the registration");
  scene.store.away = true;
  scene.until([&] { return scene.worker->lease() == worker::Lease::State::lapsed; }, "the lease to lapse");
  scene.stop();
  assert_false(scene.store.left);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(claims_only_what_it_can_start),
      cmocka_unit_test(its_routes_are_its_site_its_node_and_itself),
      cmocka_unit_test(a_report_and_the_next_claim_travel_together),
      cmocka_unit_test(what_goes_on_is_told_as_started_and_what_was_short_is_not),
      cmocka_unit_test(a_failure_is_tried_again_later_and_later_and_then_has_failed),
      cmocka_unit_test(what_will_not_mend_is_not_tried_again),
      cmocka_unit_test(a_kind_without_an_executor_fails_with_its_reason),
      cmocka_unit_test(a_result_that_is_refused_is_rolled_back),
      cmocka_unit_test(a_report_is_kept_while_the_store_is_away),
      cmocka_unit_test(after_a_claim_without_an_answer_it_registers_anew_and_keeps_its_work),
      cmocka_unit_test(a_result_that_is_not_reported_yet_is_kept_through_a_new_registration),
      cmocka_unit_test(where_there_is_plenty_a_second_exchange_goes_out_before_the_first_is_answered),
      cmocka_unit_test(where_there_is_nothing_to_do_one_exchange_is_enough),
      cmocka_unit_test(after_a_lost_claim_it_registers_anew_when_no_other_is_on_its_way),
      cmocka_unit_test(a_report_that_the_store_cannot_take_holds_up_nothing_else),
      cmocka_unit_test(a_cancel_stops_the_work_and_is_reported_as_one),
      cmocka_unit_test(a_drained_worker_claims_nothing_more),
      cmocka_unit_test(a_lease_that_is_not_renewed_ends_the_work_and_it_registers_anew),
      cmocka_unit_test(whose_name_was_taken_waits_until_it_is_free),
      cmocka_unit_test(a_claim_with_its_own_end_outlives_the_lease),
      cmocka_unit_test(renewals_reach_the_children),
      cmocka_unit_test(a_stop_waits_for_what_is_under_way),
      cmocka_unit_test(what_does_not_end_by_the_stops_deadline_is_handed_back),
      cmocka_unit_test(a_stop_without_a_store_does_not_wait_for_it),
  };
  return cmocka_run_group_tests_name("worker_worker", tests, nullptr, nullptr);
}
