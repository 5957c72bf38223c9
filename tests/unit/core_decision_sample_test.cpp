#include "core/decision_sample.hpp"

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

core::DecisionPtr decision(const std::string& event, int number, std::size_t bytes = 0) {
  core::Decision made;
  made.event = event;
  made.time = base::WallTime(base::Millis(number));
  made.context = std::string(bytes, 'x');
  return std::make_shared<const core::Decision>(std::move(made));
}

constexpr base::SteadyTime kStart{1'000'000s};

}  // namespace

static void a_second_keeps_so_many_of_each_event_and_the_next_one_tells(void**) {
  core::DecisionSample sample({.per_second = 3});
  for (int i = 0; i < 3; ++i) assert_int_equal(sample.admit("health", kStart + i * 300ms).value(), 0);
  for (int i = 0; i < 5; ++i) assert_false(sample.admit("health", kStart + 999ms).has_value());
  assert_int_equal(sample.admit("reconnect", kStart + 999ms).value(), 0);
  assert_int_equal(sample.admit("health", kStart + 1s).value(), 5);
  assert_int_equal(sample.admit("health", kStart + 1s).value(), 0);
}

static void what_was_admitted_and_lost_is_told_too(void**) {
  core::DecisionSample sample({});
  assert_int_equal(sample.admit("health", kStart).value(), 0);
  sample.leave_out("health", 1);
  sample.leave_out("health", 2);
  assert_int_equal(sample.admit("reconnect", kStart).value(), 0);
  assert_int_equal(sample.admit("health", kStart).value(), 3);
}

static void the_newest_of_each_event_stay_in_memory(void**) {
  core::DecisionSample sample({.recent = 3});
  for (int i = 0; i < 10; ++i) sample.remember(decision("health", i));
  sample.remember(decision("reconnect", 8));
  std::string seen;
  for (const auto& one : sample.recent(2))
    seen += one->event + std::to_string(one->time.time_since_epoch() / 1ms) + " ";
  assert_text_equal(seen, "health8 reconnect8 health9 ");
  assert_int_equal(sample.recent(100).size(), 4);
  assert_int_equal(sample.recent(0).size(), 0);
}

static void memory_is_bounded_in_bytes_too(void**) {
  core::DecisionSample sample({.recent = 64, .recent_bytes = 10'000});
  for (int i = 0; i < 64; ++i) sample.remember(decision("health", i, 3'000));
  assert_int_equal(sample.recent(64).size(), 3);
  sample.remember(decision("health", 99, 50'000));
  assert_int_equal(sample.recent(64).size(), 1);  // the newest one stays, however large
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_second_keeps_so_many_of_each_event_and_the_next_one_tells),
      cmocka_unit_test(what_was_admitted_and_lost_is_told_too),
      cmocka_unit_test(the_newest_of_each_event_stay_in_memory),
      cmocka_unit_test(memory_is_bounded_in_bytes_too),
  };
  return cmocka_run_group_tests_name("core_decision_sample", tests, nullptr, nullptr);
}
