#include "base/clock.hpp"
#include "cmocka.hpp"

using namespace fairlead::base;
using namespace std::chrono_literals;

static void parses_durations_with_and_without_units(void**) {
  struct Row {
    const char* text;
    long long millis;
  };
  constexpr Row kRows[] = {{"5s", 5000},  {"2m", 120000}, {"1h", 3600000}, {"1d", 86400000}, {"250ms", 250},
                           {"30", 30000}, {"0.5", 500},   {"1.5m", 90000}, {"0", 0}};
  for (const auto& row : kRows) {
    const auto parsed = parse_duration(row.text);
    assert_true(parsed.has_value());
    assert_int_equal(parsed->count(), row.millis);
  }
}

static void refuses_what_is_no_duration(void**) {
  for (const char* text : {"", "s", "-1s", "5 s", "5x", "1e400", "nan", "inf", "99999999999d", "1h30m"})
    assert_false(parse_duration(text).has_value());
}

static void shows_the_two_largest_units(void**) {
  assert_text_equal(format_duration(999ms), "999ms");
  assert_text_equal(format_duration(5s), "5s");
  assert_text_equal(format_duration(125s), "2m 5s");
  assert_text_equal(format_duration(3h + 4min + 5s), "3h 4m");
  assert_text_equal(format_duration(24h), "1d");
}

static void writes_utc_with_milliseconds(void**) {
  assert_text_equal(iso8601(WallTime(Millis(1772366400123))), "2026-03-01T12:00:00.123Z");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(parses_durations_with_and_without_units),
      cmocka_unit_test(refuses_what_is_no_duration),
      cmocka_unit_test(shows_the_two_largest_units),
      cmocka_unit_test(writes_utc_with_milliseconds),
  };
  return cmocka_run_group_tests_name("base_clock", tests, nullptr, nullptr);
}
