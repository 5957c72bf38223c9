// Locks: all of a task's or none, one holder, nobody blocked for nothing, nobody starved.
#include "contract/scene.hpp"

namespace fairlead::contract {

using Outcome = core::Report::Outcome;

static void one_holds_and_the_others_wait(void**) {
  Scene scene;
  const auto first = scene.add({.locks = {"node:nas"}});
  const auto second = scene.submit({.locks = {"node:nas", "site:attic"}});
  assert_true(second.waits_for == WaitsFor::lock);
  assert_waits(scene.record(second.id), WaitsFor::lock, "node:nas");
  const auto held = fixture().held_locks();
  assert_int_equal(held.size(), 1);
  assert_text_equal(held[0].key, "node:nas");
  assert_true(held[0].task == first);
  assert_ids(ids_of(scene.claim(scene.worker())), {first});
}

static void a_task_that_waits_holds_nothing_and_blocks_nobody(void**) {
  Scene scene;
  scene.add({.locks = {"x:a"}});
  const auto waits = scene.add({.locks = {"x:a", "x:b"}});
  const auto behind = scene.add({.locks = {"x:b"}});
  const auto free = scene.add();
  assert_waits(scene.record(waits), WaitsFor::lock, "x:a");
  assert_waits(scene.record(behind), WaitsFor::nothing);
  assert_waits(scene.record(free), WaitsFor::nothing);
}

static void a_thousand_that_wait_block_nobody_behind_them(void**) {
  Scene scene;
  scene.add({.locks = {"x:a"}});
  scene.submit_all(std::vector<core::Submission>(1'000, submission({.priority = 1, .locks = {"x:a"}})));
  const auto behind = scene.add({.priority = 900});
  const auto claimed = scene.claim(scene.worker(), 10);
  assert_int_equal(claimed.size(), 2);
  assert_true(claimed[1].task.id == behind);
}

static void whatever_ends_its_holder_promotes_the_next(void**) {
  Scene scene;
  std::vector<TaskId> tasks;
  for (int i = 0; i < 7; ++i) tasks.push_back(scene.add({.locks = {"node:nas"}}));
  const auto worker = scene.worker();
  std::size_t next = 0;
  const auto held_by_next = [&] {
    const auto held = fixture().held_locks();
    assert_int_equal(held.size(), 1);
    assert_true(held[0].task == tasks[next]);
    assert_waits(scene.record(tasks[next]), WaitsFor::nothing);
  };
  scene.report(worker, report_of(scene.claim_one(worker)));
  ++next, held_by_next();
  scene.report(worker, report_of(scene.claim_one(worker), Outcome::failed));
  ++next, held_by_next();
  auto again = report_of(scene.claim_one(worker), Outcome::again);
  again.delay = 1h;
  scene.report(worker, again);
  ++next, held_by_next();
  scene.order(tasks[next], core::TaskOrder::cancel);  // ready
  ++next, held_by_next();
  auto claimed = scene.claim_one(worker);  // at work
  scene.order(tasks[next], core::TaskOrder::cancel);
  assert_true(fixture().held_locks()[0].task == tasks[next]);  // until its worker says that it has ended
  scene.report(worker, report_of(claimed, Outcome::cancelled));
  ++next, held_by_next();
  scene.claim_one(worker);
  scene.order(tasks[next], core::TaskOrder::cancel);
  scene.pass_time(31s);  // … or is lost
  scene.tend_all();
  ++next, held_by_next();
}

static void those_who_wait_come_by_priority_and_then_age(void**) {
  Scene scene;
  scene.add({.locks = {"x:a"}});
  const auto third = scene.add({.priority = 200, .locks = {"x:a"}});
  const auto second = scene.add({.priority = 50, .locks = {"x:a"}});
  const auto first = scene.add({.priority = 10, .locks = {"x:a"}});
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  for (const auto id : {first, second, third}) {
    const auto claimed = scene.claim_one(worker);
    assert_true(claimed.task.id == id);
    scene.finish(worker, claimed);
  }
}

static void a_cancelled_waiter_leaves_no_trace(void**) {
  Scene scene;
  scene.add({.locks = {"x:a"}});
  const auto gone = scene.add({.locks = {"x:a", "x:b"}});
  const auto next = scene.add({.locks = {"x:a"}});
  scene.order(gone, core::TaskOrder::cancel);
  const auto worker = scene.worker();
  scene.finish(worker, scene.claim_one(worker));
  assert_waits(scene.record(next), WaitsFor::nothing);
  scene.finish(worker, scene.claim_one(worker));
  assert_int_equal(fixture().held_locks().size(), 0);
}

// Two streams of tasks, of which one always holds its key; `wants`, which needs both, gets its turn all the
// same, and is not overtaken for ever.
static void a_task_with_several_hot_keys_gets_its_turn(void**) {
  Scene scene;
  const std::vector<std::string> keys = {"x:a", "x:b", "x:c"};
  const auto worker = scene.worker();
  std::vector<core::Claimed> at_work;
  const auto claim_all = [&] {
    for (const auto& one : scene.claim(worker)) at_work.push_back(one);
  };
  for (const auto& key : keys) scene.add({.locks = {key}});
  claim_all();
  const auto wants = scene.add({.locks = keys});
  bool begun = false;
  int steps = 0;
  for (; !begun && steps < 600; ++steps) {
    scene.add({.locks = {keys[static_cast<std::size_t>(steps) % 3]}});  // one more is always waiting
    assert_false(at_work.empty());
    scene.finish(worker, at_work.front());
    at_work.erase(at_work.begin());
    claim_all();
    begun = std::any_of(at_work.begin(), at_work.end(),
                        [&](const core::Claimed& one) { return one.task.id == wants; });
  }
  assert_true(begun);
  while (!at_work.empty()) {
    scene.finish(worker, at_work.front());
    at_work.erase(at_work.begin());
    claim_all();
  }
  assert_int_equal(scene.ids().size(), 0);  // and everybody after it
}

static void a_waiter_that_reserved_its_keys_gives_them_free_when_it_is_cancelled(void**) {
  Scene scene;
  const auto worker = scene.worker();
  const auto long_one = scene.add({.locks = {"x:a"}});
  auto claimed = scene.claim_one(worker);
  const auto wants = scene.add({.locks = {"x:a", "x:b"}});
  int passed = 0;
  TaskId behind{0};
  for (; passed < 600; ++passed) {  // until it reserves x:b
    const auto submitted = scene.submit({.locks = {"x:b"}});
    behind = submitted.id;
    if (submitted.waits_for == WaitsFor::lock) break;
    scene.finish(worker, scene.claim_one(worker));
  }
  assert_waits(scene.record(behind), WaitsFor::lock, "x:b");
  scene.order(wants, core::TaskOrder::cancel);
  assert_waits(scene.record(behind), WaitsFor::nothing);
  scene.finish(worker, claimed);
  assert_state(scene.record(long_one), TaskState::done);
}

// Free keys and nobody who takes them, as nobody is asked again: `first` has more behind it in x:hot than are
// asked in vain, and its other key is reserved by `later`. What it reserves then is older than that.
static void whoever_reserves_its_keys_last_takes_what_is_free(void**) {
  Scene scene;
  const auto worker = scene.worker();
  for (const char* key : {"x:hot", "x:later", "x:rest"}) scene.add({.priority = 1, .locks = {key}});
  auto holders = scene.claim(worker);
  assert_int_equal(holders.size(), 3);
  scene.add({.locks = {"x:both", "x:hot"}});                    // first
  scene.add({.priority = 10, .locks = {"x:both", "x:later"}});  // later
  bool reserved = false;
  for (int passed = 0; !reserved && passed < 600; ++passed) {
    const auto passes = scene.submit({.priority = 200, .locks = {"x:both"}});
    reserved = passes.waits_for == WaitsFor::lock;
    if (reserved)
      scene.order(passes.id, core::TaskOrder::cancel);
    else
      scene.finish(worker, scene.claim_one(worker));
  }
  assert_true(reserved);
  scene.submit_all(std::vector<core::Submission>(60, submission({.locks = {"x:hot", "x:rest"}})));
  for (std::size_t next = 0; next < holders.size(); ++next) {
    scene.finish(worker, holders[next]);
    for (auto& one : scene.claim(worker)) holders.push_back(std::move(one));
  }
  assert_int_equal(scene.ids().size(), 0);
}

Tests lock_tests() {
  return {
      cmocka_unit_test(one_holds_and_the_others_wait),
      cmocka_unit_test(a_task_that_waits_holds_nothing_and_blocks_nobody),
      cmocka_unit_test(a_thousand_that_wait_block_nobody_behind_them),
      cmocka_unit_test(whatever_ends_its_holder_promotes_the_next),
      cmocka_unit_test(those_who_wait_come_by_priority_and_then_age),
      cmocka_unit_test(a_cancelled_waiter_leaves_no_trace),
      cmocka_unit_test(a_task_with_several_hot_keys_gets_its_turn),
      cmocka_unit_test(whoever_reserves_its_keys_last_takes_what_is_free),
      cmocka_unit_test(a_waiter_that_reserved_its_keys_gives_them_free_when_it_is_cancelled),
  };
}

}  // namespace fairlead::contract
