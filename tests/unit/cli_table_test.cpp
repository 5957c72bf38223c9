#include "cli/table.hpp"
#include "cmocka.hpp"

using namespace fairlead::cli;

static void columns_line_up_and_no_line_ends_in_blanks(void**) {
  Table table({"NAME", "COUNT", "LAST"});
  table.add({{"a"}, {"7", Style::plain, true}, {""}});
  table.add({{"größer"}, {"1234567", Style::plain, true}, {"x"}});
  assert_text_equal(table.render(false),
                    "NAME      COUNT  LAST\n"
                    "a             7\n"
                    "größer  1234567  x\n");
}

static void notes_stand_under_their_row(void**) {
  Table table({"NAME", "STATE"});
  table.add({{"a"}, {"failed"}}, {{"auth refused", Style::bad}, {"hint: add the key"}});
  table.add({{"b"}, {"stopped"}});
  assert_text_equal(table.render(false),
                    "NAME  STATE\n"
                    "a     failed\n"
                    "    auth refused\n"
                    "    hint: add the key\n"
                    "b     stopped\n");
}

static void colour_does_not_move_columns(void**) {
  Table table({"A", "B"});
  table.add({{"good", Style::good}, {"x"}});
  assert_text_equal(table.render(true), "\x1b[1mA\x1b[0m     \x1b[1mB\x1b[0m\n\x1b[32mgood\x1b[0m  x\n");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(columns_line_up_and_no_line_ends_in_blanks),
      cmocka_unit_test(notes_stand_under_their_row),
      cmocka_unit_test(colour_does_not_move_columns),
  };
  return cmocka_run_group_tests_name("cli_table", tests, nullptr, nullptr);
}
