// At most so many handshakes at once, first come, first served: a site of hundreds must not storm a server
// that has just restarted (newer ones penalise that).
#include "ssh/handshake_gate.hpp"

#include <vector>

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using Pass = std::unique_ptr<ssh::HandshakeGate::Pass>;

namespace {

struct Crowd {
  explicit Crowd(int limit) : gate(loop, limit) {}
  void enter() {
    const int number = static_cast<int>(passes.size());
    passes.push_back(gate.enter([this, number] { admitted.push_back(number); }));
  }
  void settle() { assert_true(loop.drain(10s).ok()); }

  loop::Loop loop;
  ssh::HandshakeGate gate;
  std::vector<int> admitted;
  std::vector<Pass> passes;
};

}  // namespace

static void nobody_is_admitted_from_inside_enter(void**) {
  Crowd crowd(1);
  crowd.enter();
  assert_true(crowd.admitted.empty());
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0}));
}

static void as_many_as_the_limit_are_inside_and_the_rest_wait_in_order(void**) {
  Crowd crowd(3);
  for (int i = 0; i < 8; ++i) crowd.enter();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0, 1, 2}));
  crowd.settle();
  assert_int_equal(crowd.admitted.size(), 3);
  crowd.passes[1].reset();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0, 1, 2, 3}));
  crowd.passes[0].reset();
  crowd.passes[3].reset();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0, 1, 2, 3, 4, 5}));
}

static void who_leaves_the_queue_is_not_called_and_gives_no_room(void**) {
  Crowd crowd(1);
  for (int i = 0; i < 4; ++i) crowd.enter();
  crowd.settle();
  crowd.passes[1].reset();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0}));
  crowd.passes[0].reset();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({0, 2}));
}

static void who_leaves_before_being_asked_in_gives_no_room(void**) {
  Crowd crowd(1);
  crowd.enter();
  crowd.passes[0].reset();
  crowd.enter();
  crowd.enter();
  crowd.settle();
  assert_true(crowd.admitted == std::vector<int>({1}));
}

static void a_pass_may_be_destroyed_inside_its_own_call(void**) {
  loop::Loop loop;
  ssh::HandshakeGate gate(loop, 1);
  std::vector<Pass> passes(5);
  std::vector<int> admitted;
  for (std::size_t i = 0; i < passes.size(); ++i)
    passes[i] = gate.enter([&, i] {
      admitted.push_back(static_cast<int>(i));
      passes[i].reset();
    });
  assert_true(loop.drain(10s).ok());
  assert_true(admitted == std::vector<int>({0, 1, 2, 3, 4}));
}

static void a_call_may_enter_again_and_destroy_others(void**) {
  loop::Loop loop;
  ssh::HandshakeGate gate(loop, 2);
  Pass first, second, third;
  int calls = 0;
  first = gate.enter([&] {
    ++calls;
    second.reset();  // waits right behind
    third = gate.enter([&] { ++calls; });
  });
  second = gate.enter([&] { fail_msg("it had left"); });
  assert_true(loop.drain(10s).ok());
  assert_int_equal(calls, 2);
}

static void the_limit_holds_for_a_crowd_that_comes_and_goes(void**) {
  Crowd crowd(16);
  std::size_t left = 0;
  for (int i = 0; i < 200; ++i) crowd.enter();
  while (left < 200) {
    crowd.settle();
    assert_in_range(crowd.admitted.size() - left, 1, 16);
    for (; left < crowd.admitted.size(); ++left)
      crowd.passes[static_cast<std::size_t>(crowd.admitted[left])].reset();
  }
  for (int i = 0; i < 200; ++i) assert_int_equal(crowd.admitted[static_cast<std::size_t>(i)], i);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_admitted_from_inside_enter),
      cmocka_unit_test(as_many_as_the_limit_are_inside_and_the_rest_wait_in_order),
      cmocka_unit_test(who_leaves_the_queue_is_not_called_and_gives_no_room),
      cmocka_unit_test(who_leaves_before_being_asked_in_gives_no_room),
      cmocka_unit_test(a_pass_may_be_destroyed_inside_its_own_call),
      cmocka_unit_test(a_call_may_enter_again_and_destroy_others),
      cmocka_unit_test(the_limit_holds_for_a_crowd_that_comes_and_goes),
  };
  return cmocka_run_group_tests_name("ssh_handshake_gate", tests, nullptr, nullptr);
}
