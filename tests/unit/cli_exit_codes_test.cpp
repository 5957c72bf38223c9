#include <vector>

#include "cli/exit_codes.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using cli::Exit;

static Exit fold(std::vector<Exit> exits) {
  return cli::fold(exits);
}

static void the_numbers_are_those_that_the_manual_promises(void**) {
  assert_int_equal(static_cast<int>(Exit::ok), 0);
  assert_int_equal(static_cast<int>(Exit::failure), 1);
  assert_int_equal(static_cast<int>(Exit::already), 2);
  assert_int_equal(static_cast<int>(Exit::usage), 64);
  assert_int_equal(static_cast<int>(Exit::unreachable), 69);
  assert_int_equal(static_cast<int>(Exit::bad_config), 78);
}

static void several_are_already_only_when_all_are(void**) {
  assert_true(fold({Exit::already}) == Exit::already);
  assert_true(fold({Exit::already, Exit::already}) == Exit::already);
  assert_true(fold({Exit::already, Exit::ok}) == Exit::ok);
  assert_true(fold({Exit::ok, Exit::already}) == Exit::ok);
}

static void a_failure_outweighs_all_else(void**) {
  assert_true(fold({Exit::ok, Exit::failure, Exit::already}) == Exit::failure);
  assert_true(fold({Exit::already, Exit::failure}) == Exit::failure);
  assert_true(fold({Exit::failure, Exit::unreachable, Exit::ok}) == Exit::unreachable);
}

static void nothing_to_do_is_no_failure(void**) {
  assert_true(fold({}) == Exit::ok);
}

static void errors_become_codes(void**) {
  const std::pair<base::Code, Exit> rows[] = {
      {base::Code::already, Exit::already},   {base::Code::unavailable, Exit::unreachable},
      {base::Code::not_found, Exit::failure}, {base::Code::bad_config, Exit::failure},
      {base::Code::forbidden, Exit::failure}, {base::Code::timed_out, Exit::failure},
  };
  for (const auto& [code, exit] : rows) assert_true(cli::exit_of(code) == exit);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_numbers_are_those_that_the_manual_promises),
      cmocka_unit_test(several_are_already_only_when_all_are),
      cmocka_unit_test(a_failure_outweighs_all_else),
      cmocka_unit_test(nothing_to_do_is_no_failure),
      cmocka_unit_test(errors_become_codes),
  };
  return cmocka_run_group_tests_name("cli_exit_codes", tests, nullptr, nullptr);
}
