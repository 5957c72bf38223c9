// What stays of finished tasks, and for how long.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void finish_some(Scene& scene, const TestWorker& worker, std::size_t count) {
  scene.submit_all(std::vector<core::Submission>(count, submission({})));
  core::Exchange said;
  for (const auto& one : scene.claim(worker, static_cast<int>(count))) said.reports.push_back(report_of(one));
  assert_int_equal(said.reports.size(), count);
  scene.exchange(worker, std::move(said));
}

static core::TaskFilter all_done() {
  core::TaskFilter filter;
  filter.states = {TaskState::done};
  filter.most = 1'000;
  return filter;
}

static void finished_tasks_are_forgotten_by_age(void**) {
  Scene scene;
  finish_some(scene, scene.worker(), 5);
  scene.pass_time(2h);
  finish_some(scene, scene.worker(), 3);
  core::TendSettings settings;
  settings.history_age = 3h;
  assert_int_equal(scene.tend_all(settings).forgotten, 0);
  assert_int_equal(scene.stats().history, 8);
  scene.pass_time(90min);
  assert_int_equal(scene.tend_all(settings).forgotten, 5);
  assert_int_equal(scene.stats().history, 3);
  assert_int_equal(scene.list(all_done()).size(), 3);
}

static void finished_tasks_are_forgotten_by_count_the_oldest_first(void**) {
  Scene scene;
  const auto worker = scene.worker();
  for (int i = 0; i < 4; ++i) {
    finish_some(scene, worker, 10);
    scene.pass_time(1s);
  }
  core::TendSettings settings;
  settings.history_count = 25;
  assert_int_equal(scene.tend_all(settings).forgotten, 15);
  assert_int_equal(scene.stats().history, 25);
  const auto left = scene.ids(all_done());
  assert_int_equal(left.size(), 25);
  const auto newest = scene.add();
  assert_int_equal(number(newest) - number(left.back()), 25);
}

static void what_is_at_work_is_never_forgotten(void**) {
  Scene scene;
  const auto queued = scene.add({.run_at = base::wall_now() + 24h * 100});
  core::TendSettings settings;
  settings.history_age = 1h;
  settings.history_count = 0;
  scene.pass_time(24h * 50);
  scene.tend_all(settings);
  assert_waits(scene.record(queued), WaitsFor::time);
}

static void a_forgotten_task_is_not_found_and_its_number_never_used_again(void**) {
  Scene scene;
  const auto worker = scene.worker();
  finish_some(scene, worker, 3);
  const auto last = scene.ids(all_done())[0];
  core::TendSettings settings;
  settings.history_count = 0;
  assert_int_equal(scene.tend_all(settings).forgotten, 3);
  const auto gone =
      scene.ask<core::TaskDetail>([&](auto done) { scene.first().find(last, std::move(done)); });
  assert_true(gone.error().code == base::Code::not_found);
  assert_true(number(scene.add()) > number(last));
}

Tests history_tests() {
  return {
      cmocka_unit_test(finished_tasks_are_forgotten_by_age),
      cmocka_unit_test(finished_tasks_are_forgotten_by_count_the_oldest_first),
      cmocka_unit_test(what_is_at_work_is_never_forgotten),
      cmocka_unit_test(a_forgotten_task_is_not_found_and_its_number_never_used_again),
  };
}

}  // namespace fairlead::contract
