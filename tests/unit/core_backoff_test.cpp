#include "cmocka.hpp"
#include "core/backoff.hpp"
#include "core/hysteresis.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

static void waits_longer_after_each_loss_but_never_past_max(void**) {
  base::Random random(7);
  for (int round = 0; round < 200; ++round) {
    core::Backoff backoff(5s, 60s);
    for (const auto ceiling : {10s, 20s, 40s, 60s, 60s, 60s, 60s}) {
      const auto wait = backoff.next(random);
      assert_true(wait >= 5s && wait <= ceiling);
    }
    assert_int_equal(backoff.attempts(), 7);
  }
}

static void starts_small_again_after_a_reset(void**) {
  base::Random random(7);
  core::Backoff backoff(1s, 60s);
  for (int i = 0; i < 10; ++i) backoff.next(random);
  backoff.reset();
  const auto wait = backoff.next(random);
  assert_true(wait >= 1s && wait <= 2s);
}

// Two hundred tunnels lose the same server in the same moment: they must not all come back in the same one.
static void the_first_wait_is_spread(void**) {
  base::Random random(7);
  int early = 0, late = 0;
  for (int i = 0; i < 200; ++i) {
    core::Backoff backoff(1s, 60s);
    const auto wait = backoff.next(random);
    assert_true(wait >= 1s && wait <= 2s);
    (wait < 1500ms ? early : late) += 1;
  }
  assert_true(early > 50 && late > 50);
}

static void limits_that_are_equal_leave_no_choice(void**) {
  base::Random random(7);
  core::Backoff backoff(1s, 1s);
  for (int i = 0; i < 5; ++i) assert_true(backoff.next(random) == 1s);
}

static void does_not_hammer_when_time_cannot_help(void**) {
  base::Random random(7);
  core::Backoff backoff(1s, 60s);
  for (int i = 0; i < 200; ++i) {
    const auto wait = backoff.patient(random);
    assert_true(wait >= 54s && wait <= 60s);
  }
}

static void one_odd_result_does_not_flip_the_verdict(void**) {
  core::Hysteresis verdict(2, 3);
  assert_false(verdict.add(false));
  assert_false(verdict.add(false));
  assert_false(verdict.add(true));
  assert_false(verdict.add(false));
  assert_false(verdict.add(false));
  assert_true(verdict.add(false));
  assert_false(verdict.good());
  assert_false(verdict.add(true));
  assert_true(verdict.add(true));
  assert_true(verdict.good());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(waits_longer_after_each_loss_but_never_past_max),
      cmocka_unit_test(starts_small_again_after_a_reset),
      cmocka_unit_test(the_first_wait_is_spread),
      cmocka_unit_test(limits_that_are_equal_leave_no_choice),
      cmocka_unit_test(does_not_hammer_when_time_cannot_help),
      cmocka_unit_test(one_odd_result_does_not_flip_the_verdict),
  };
  return cmocka_run_group_tests_name("core_backoff", tests, nullptr, nullptr);
}
