// Hooks that log or fail in a loop: what is written of it, and that the rest is told as a number.
#include "policy/line_budget.hpp"

#include <string>
#include <vector>

#include "cmocka.hpp"
#include "policy/hook_lines.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using policy::LineBudget;

namespace {

struct House {
  loop::Loop loop;
  base::Log log;
  std::vector<std::string> lines;  // "event key=value …"
  House() {
    log.add_sink([this](const base::Record& record) {
      std::string line(record.event);
      for (const base::Field& field : record.fields) line += " " + std::string(field.key) + "=" + field.value;
      lines.push_back(line);
    });
  }
  ~House() { drain(loop); }

  std::size_t count(const std::string& line) const {
    std::size_t found = 0;
    for (const std::string& one : lines) found += one == line ? 1 : 0;
    return found;
  }
};

}  // namespace

static void beyond_the_allowance_a_minute_has_one_number(void**) {
  House house;
  std::vector<std::string> told;
  LineBudget budget(
      house.loop,
      [&](const LineBudget::Key& key, std::uint64_t more) {
        told.push_back(key.hook + " " + std::to_string(more));
      },
      50ms);
  const LineBudget::Key loud{"hook_log", "loud", {}}, calm{"hook_log", "calm", {}};
  for (int i = 0; i < 10; ++i) assert_int_equal(budget.take(loud, 3), i < 3);
  assert_true(budget.take(calm, 3));  // has an allowance of its own
  assert_true(told.empty());
  run_until(house.loop, [&] { return !told.empty(); }, "the minute's end");
  assert_int_equal(told.size(), 1);
  assert_text_equal(told[0], "loud 7");
  assert_true(budget.take(loud, 3));  // the next minute
  run_for(house.loop, 200ms);
  assert_int_equal(told.size(), 1);  // in which nothing was held back
}

static void what_was_counted_is_told_when_all_ends(void**) {
  House house;
  std::vector<std::uint64_t> told;
  LineBudget budget(house.loop, [&](const LineBudget::Key&, std::uint64_t more) { told.push_back(more); });
  for (int i = 0; i < 5; ++i) budget.take({"hook_effect", "loud", "emit"}, 1);
  budget.end();
  budget.end();
  assert_int_equal(told.size(), 1);
  assert_int_equal(told[0], 4);
}

static void a_loop_of_lines_fills_no_log(void**) {
  House house;
  policy::HookLines lines(house.loop, house.log);
  for (int i = 0; i < 5'000; ++i) {
    lines.info("hook_log", {{"hook", "loud"}, {"text", "x"}});
    lines.warn("flow_failed", {{"hook", "loud"}, {"error", "e"}});
    lines.warn("hook_failed", {{"asked", "reconnect"}, {"hook", "loud"}});
  }
  lines.info("hook_log", {{"hook", "calm"}, {"text", "y"}});
  assert_int_equal(house.count("hook_log hook=loud text=x"), 600);
  assert_int_equal(house.count("flow_failed hook=loud error=e"), 20);
  assert_int_equal(house.count("hook_failed asked=reconnect hook=loud"), 20);
  assert_int_equal(house.count("hook_log hook=calm text=y"), 1);
  lines.end();
  assert_int_equal(house.count("hook_lines_dropped hook=loud lines=hook_log more=4400"), 1);
  assert_int_equal(house.count("hook_lines_dropped hook=loud lines=flow_failed more=4980"), 1);
  assert_int_equal(house.count("hook_lines_dropped hook=loud lines=hook_failed more=4980"), 1);
  assert_int_equal(house.lines.size(), 600 + 20 + 20 + 1 + 3);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(beyond_the_allowance_a_minute_has_one_number),
      cmocka_unit_test(what_was_counted_is_told_when_all_ends),
      cmocka_unit_test(a_loop_of_lines_fills_no_log),
  };
  return cmocka_run_group_tests_name("policy_line_budget", tests, nullptr, nullptr);
}
