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

static void reads_back_what_it_writes_and_other_zones(void**) {
  const WallTime wanted(Millis(1772366400123));
  for (const char* text : {"2026-03-01T12:00:00.123Z", "2026-03-01T13:30:00.123456+01:30",
                           "2026-02-28T23:00:00.123-13:00", "2026-03-01T12:00:00.123+00:00"}) {
    const auto time = parse_iso8601(text);
    assert_true(time.has_value());
    assert_true(*time == wanted);
  }
  assert_true(parse_iso8601("2026-03-01T12:00:00Z") == wanted - 123ms);
}

static void refuses_what_is_no_time(void**) {
  for (const char* text :
       {"", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01 12:00:00Z", "2026-02-30T12:00:00Z",
        "2262-01-01T00:00:00Z", "2026-13-01T12:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:00:60Z",
        "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00ZZ", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
        "2026-03-01T12:00:00+1:00", "-026-03-01T12:00:00Z"})
    assert_false(parse_iso8601(text).has_value());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(parses_durations_with_and_without_units),
      cmocka_unit_test(refuses_what_is_no_duration),
      cmocka_unit_test(shows_the_two_largest_units),
      cmocka_unit_test(writes_utc_with_milliseconds),
      cmocka_unit_test(reads_back_what_it_writes_and_other_zones),
      cmocka_unit_test(refuses_what_is_no_time),
  };
  return cmocka_run_group_tests_name("base_clock", tests, nullptr, nullptr);
}
