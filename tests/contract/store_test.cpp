// Opening, closing, and what a store says of itself.
#include "contract/scene.hpp"

namespace fairlead::contract {

static void a_store_says_what_it_is(void**) {
  Scene scene;
  const auto status = scene.first().status();
  assert_true(status.state == core::StoreStatus::State::open);
  assert_false(status.backend.empty());
  assert_false(status.place.empty());
  assert_false(status.hints.empty());
  assert_true(status.schema > 0);
  assert_text_equal(status.error, "");
  assert_true(status.since.has_value());
}

static void what_was_stored_is_there_for_the_next_life(void**) {
  Scene scene;
  const auto id = scene.add({.locks = {"x:a"}});
  auto another = scene.begin_another();
  const auto found =
      value_of(scene.ask<core::TaskDetail>([&](auto done) { another->find(id, std::move(done)); }));
  assert_true(found.task.envelope.locks == std::vector<std::string>{"x:a"});
  bool gone = false;
  another->stop(10s, [&] { gone = true; });
  assert_false(gone);
  run_until(scene.loop, [&] { return gone; }, "the end of a store");
}

static void a_stop_answers_what_is_under_way(void**) {
  Scene scene;
  auto another = scene.begin_another();
  int answers = 0;
  for (int i = 0; i < 20; ++i) another->submit({submission({})}, [&](auto) { ++answers; });
  bool gone = false;
  another->stop(10s, [&] {
    assert_int_equal(answers, 20);
    gone = true;
  });
  run_until(scene.loop, [&] { return gone; }, "the end of a store");
  assert_int_equal(scene.ids().size(), 20);
}

static void a_store_may_go_in_the_middle_of_anything(void**) {
  Scene scene;
  for (int turns = 0; turns < 10; ++turns) {
    auto another = scene.begin_another();
    for (int i = 0; i < 5; ++i) another->submit({submission({})}, [](auto) {});
    int left = turns;
    run_until(scene.loop, [&] { return left-- <= 0; }, "some turns");
    another.reset();
  }
  assert_true(scene.ids().size() <= 50);
  scene.add();
}

static void a_newer_schema_is_refused_and_left_alone(void**) {
  Scene scene;
  scene.add();
  fixture().pretend_newer_schema(true);
  auto newer = fixture().connect(scene.loop, scene.log);
  int told = 0;
  newer->begin([&] { ++told; }, [] {});
  assert_int_equal(told, 0);
  run_until(
      scene.loop, [&] { return newer->status().state == core::StoreStatus::State::refused; }, "a refusal");
  assert_true(told > 0);
  const auto error = newer->status().error;
  assert_non_null(strstr(error.c_str(), "schema 999"));
  assert_non_null(
      strstr(error.c_str(), ("knows up to " + std::to_string(scene.first().status().schema)).c_str()));
  assert_non_null(strstr(error.c_str(), "upgrade"));
  const auto answer = scene.ask<core::QueueStats>([&](auto done) { newer->stats(std::move(done)); });
  assert_true(answer.error().code == base::Code::unsupported);
  newer.reset();
  fixture().pretend_newer_schema(false);
  assert_int_equal(scene.ids().size(), 1);
}

static void two_daemons_may_begin_together(void**) {
  Scene scene;
  fixture().fresh();
  std::vector<std::unique_ptr<core::TaskStore>> both;
  for (int i = 0; i < 2; ++i) {
    both.push_back(fixture().connect(scene.loop, scene.log));
    both.back()->begin([] {}, [] {});
  }
  run_until(
      scene.loop,
      [&] {
        return both[0]->status().state == core::StoreStatus::State::open &&
               both[1]->status().state == core::StoreStatus::State::open;
      },
      "two open stores");
  assert_int_equal(both[0]->status().schema, both[1]->status().schema);
}

Tests store_tests() {
  return {
      cmocka_unit_test(a_store_says_what_it_is),
      cmocka_unit_test(what_was_stored_is_there_for_the_next_life),
      cmocka_unit_test(a_stop_answers_what_is_under_way),
      cmocka_unit_test(a_store_may_go_in_the_middle_of_anything),
      cmocka_unit_test(a_newer_schema_is_refused_and_left_alone),
      cmocka_unit_test(two_daemons_may_begin_together),
  };
}

}  // namespace fairlead::contract
