#include "host/output_capture.hpp"

#include <string>

#include "cmocka.hpp"

using namespace fairlead;

static void what_fits_into_the_head_has_no_tail(void**) {
  host::OutputCapture capture(8, 4);
  capture.add("1234");
  capture.add("5678");
  const auto output = capture.take();
  assert_text_equal(output.head, "12345678");
  assert_text_equal(output.tail, "");
  assert_int_equal(output.total, 8);
  assert_false(output.truncated());
}

static void head_and_tail_meet_without_a_gap(void**) {
  host::OutputCapture capture(8, 4);
  capture.add("123456789abc");
  const auto output = capture.take();
  assert_text_equal(output.head, "12345678");
  assert_text_equal(output.tail, "9abc");
  assert_false(output.truncated());
}

// However the bytes come: the first 10, the last 7, and the count of all.
static void keeps_both_ends_of_any_length_in_any_portions(void**) {
  for (std::size_t portion = 1; portion < 60; ++portion) {
    for (std::size_t length = 0; length < 200; length += 13) {
      std::string text;
      for (std::size_t i = 0; i < length; ++i) text += static_cast<char>('a' + i % 23);
      host::OutputCapture capture(10, 7);
      for (std::size_t at = 0; at < length; at += portion)
        capture.add(std::string_view(text).substr(at, portion));
      const auto output = capture.take();
      assert_text_equal(output.head, text.substr(0, 10));
      const auto rest = text.size() > 10 ? text.substr(10) : "";
      assert_text_equal(output.tail, rest.size() > 7 ? rest.substr(rest.size() - 7) : rest);
      assert_int_equal(output.total, length);
      assert_int_equal(output.truncated(), length > 17);
    }
  }
}

static void keeping_nothing_still_counts(void**) {
  host::OutputCapture capture(0, 0);
  capture.add("abc");
  capture.add("def");
  const auto output = capture.take();
  assert_text_equal(output.head + output.tail, "");
  assert_int_equal(output.total, 6);
  assert_true(output.truncated());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_fits_into_the_head_has_no_tail),
      cmocka_unit_test(head_and_tail_meet_without_a_gap),
      cmocka_unit_test(keeps_both_ends_of_any_length_in_any_portions),
      cmocka_unit_test(keeping_nothing_still_counts),
  };
  return cmocka_run_group_tests_name("host_output_capture", tests, nullptr, nullptr);
}
