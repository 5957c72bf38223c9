#include "core/overlap.hpp"

#include "cmocka.hpp"

using namespace fairlead;

static void addresses_that_cannot_be_listened_on_side_by_side_overlap(void**) {
  const struct {
    const char *a, *b;
    bool overlap;
  } rows[] = {
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.2", false},
      {"0.0.0.0", "127.0.0.1", true},
      {"0.0.0.0", "localhost", true},
      {"0.0.0.0", "::1", false},
      {"::", "127.0.0.1", true},
      {"::", "::1", true},
      {"localhost", "127.0.0.1", true},
      {"localhost", "::1", true},
      {"localhost", "127.0.0.2", false},
      {"::1", "127.0.0.1", false},
  };
  for (const auto& row : rows) {
    assert_int_equal(core::listens_overlap(row.a, row.b), row.overlap);
    assert_int_equal(core::listens_overlap(row.b, row.a), row.overlap);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(addresses_that_cannot_be_listened_on_side_by_side_overlap),
  };
  return cmocka_run_group_tests_name("core_overlap", tests, nullptr, nullptr);
}
