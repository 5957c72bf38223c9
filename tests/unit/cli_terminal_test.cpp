#include <sstream>

#include "cli/terminal.hpp"
#include "cmocka.hpp"

using namespace fairlead::cli;

static void colour_only_on_a_terminal_that_wants_it(void**) {
  constexpr auto kAuto = ColorWhen::automatic;
  assert_true(use_color(kAuto, true, nullptr, "xterm"));
  assert_true(use_color(kAuto, true, "", nullptr));
  assert_false(use_color(kAuto, false, nullptr, "xterm"));
  assert_false(use_color(kAuto, true, "1", "xterm"));
  assert_false(use_color(kAuto, true, nullptr, "dumb"));
  assert_true(use_color(ColorWhen::always, false, "1", "dumb"));
  assert_false(use_color(ColorWhen::never, true, nullptr, "xterm"));
}

static void width_counts_what_is_seen(void**) {
  assert_int_equal(display_width("größer"), 6);
  assert_int_equal(display_width(paint("abc", Style::bad, true)), 3);
}

static void a_clipped_line_closes_its_colour(void**) {
  assert_text_equal(clip("abcdef", 6), "abcdef");
  assert_text_equal(clip("abcdef", 4), "abc…");
  assert_text_equal(clip("äöüßé", 3), "äö…");
  assert_text_equal(clip("\x1b[31mabcdef\x1b[0m", 3), "\x1b[31mab…\x1b[0m");
  assert_text_equal(clip("abc", 0), "");
}

static void a_picture_overwrites_line_by_line(void**) {
  assert_text_equal(redraw("one\ntwo\n", {80, 24}), "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J");
}

static void a_picture_never_scrolls_the_terminal(void**) {
  assert_text_equal(redraw("1\n2\n3\n4\n5\n", {80, 4}),
                    "\x1b[H1\x1b[K\n2\x1b[K\n… 3 more lines\x1b[K\n\x1b[J");
  assert_text_equal(redraw("1\n2\n3\n", {80, 4}), "\x1b[H1\x1b[K\n2\x1b[K\n3\x1b[K\n\x1b[J");
  assert_text_equal(redraw("abcdef\n", {4, 24}), "\x1b[Habc…\x1b[K\n\x1b[J");
}

static void the_cursor_comes_back(void**) {
  std::ostringstream out;
  {
    const HiddenCursor hidden(out);
  }
  assert_text_equal(out.str(), "\x1b[?25l\x1b[2J\x1b[?25h");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(colour_only_on_a_terminal_that_wants_it),
      cmocka_unit_test(width_counts_what_is_seen),
      cmocka_unit_test(a_clipped_line_closes_its_colour),
      cmocka_unit_test(a_picture_overwrites_line_by_line),
      cmocka_unit_test(a_picture_never_scrolls_the_terminal),
      cmocka_unit_test(the_cursor_comes_back),
  };
  return cmocka_run_group_tests_name("cli_terminal", tests, nullptr, nullptr);
}
