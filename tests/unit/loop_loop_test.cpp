#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "cmocka.hpp"
#include "loop/connector.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

static void deferred_runs_once_later_and_never_inside_schedule(void**) {
  loop::Loop loop;
  int runs = 0;
  loop::Deferred deferred(loop, "test", [&] { ++runs; });
  deferred.schedule();
  deferred.schedule();
  assert_int_equal(runs, 0);
  assert_true(loop.drain(30s).ok());
  assert_int_equal(runs, 1);
}

static void an_owner_may_die_inside_its_own_callback(void**) {
  loop::Loop loop;
  std::unique_ptr<loop::Timer> timer;
  int runs = 0;
  timer = std::make_unique<loop::Timer>(loop, "suicide", [&] {
    ++runs;
    timer.reset();
  });
  timer->start_repeating(1ms);
  loop.run();
  assert_int_equal(runs, 1);
  assert_true(loop.open_handles().empty());
}

static void an_aligned_timer_stays_aligned_when_the_loop_is_late(void**) {
  constexpr std::uint64_t kPeriod = 10;
  loop::Loop loop;
  int fired = 0;
  std::unique_ptr<loop::Timer> timer;
  timer = std::make_unique<loop::Timer>(loop, "test", [&] {
    const auto next = uv_now(loop.raw()) + static_cast<std::uint64_t>(timer->remaining().count());
    assert_int_equal(next % kPeriod, 0);
    ::usleep(7'000);  // so the next one is late
    if (++fired == 10) loop.stop();
  });
  timer->start_aligned(base::Millis(kPeriod));
  loop.run();
  timer.reset();
  assert_true(loop.drain(30s).ok());
}

static void a_leaked_handle_is_named(void**) {
  loop::Loop loop;
  auto timer = std::make_unique<loop::Timer>(loop, "forgotten", [] {});
  const auto drained = loop.drain(20ms);
  assert_false(drained.ok());
  assert_non_null(strstr(drained.error().message.c_str(), "forgotten=1"));
  timer.reset();
  assert_true(loop.drain(30s).ok());
}

static void dropped_work_does_not_call_back(void**) {
  loop::Loop loop;
  bool called = false;
  auto kept =
      loop::submit<int>(loop, "kept", [] { return 42; }, [&](int value) { assert_int_equal(value, 42); });
  auto dropped = loop::submit<int>(loop, "dropped", [] { return 1; }, [&](int) { called = true; });
  dropped.reset();
  assert_true(loop.drain(30s).ok());
  assert_false(called);
}

// Where somebody listens, and where that is.
static base::UniqueFd listen_somewhere(loop::Address& address) {
  auto listener = loop::listen_on(*loop::Address::numeric("127.0.0.1", 0));
  assert_true(listener.ok());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  assert_int_equal(getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  address = loop::Address::from(reinterpret_cast<sockaddr*>(&bound), size);
  return std::move(*listener);
}

// On a busy machine the kernel takes its time even here.
static void await_input(int fd) {
  pollfd watched{fd, POLLIN, 0};
  assert_int_equal(::poll(&watched, 1, 30'000), 1);
}

static void a_connector_goes_on_to_the_address_that_answers(void**) {
  loop::Loop loop;
  loop::Address live;
  const auto listener = listen_somewhere(live);
  const auto dead = *loop::Address::numeric("127.0.0.1", 1);
  bool connected = false;
  loop::Connector connector(loop, {dead, live}, 30s, [&](base::Result<base::UniqueFd> fd) {
    connected = fd.ok();
    loop.stop();
  });
  loop.run();
  assert_true(connected);
}

// A session that is lost while its target is being dialled: the target saw an empty stream that ended well.
static void a_connector_that_is_given_up_resets_what_the_server_has_accepted(void**) {
  loop::Loop loop;
  loop::Address live;
  const auto listener = listen_somewhere(live);
  auto connector = std::make_unique<loop::Connector>(
      loop, std::vector{live}, 30s, [](base::Result<base::UniqueFd>) { fail_msg("was given up before"); });
  // Scheduled after the connector's own first step, and before it can hear that the kernel has made the
  // connection.
  loop::Deferred give_up(loop, "test", [&] {
    await_input(listener.get());
    connector.reset();
  });
  give_up.schedule();
  assert_true(loop.drain(30s).ok());
  const auto accepted = loop::accept_one(listener.get());
  assert_true(accepted.ok() && accepted->has_value());
  char byte = 0;
  await_input((*accepted)->get());
  assert_int_equal(::recv((*accepted)->get(), &byte, 1, 0), -1);
  assert_int_equal(errno, ECONNRESET);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(deferred_runs_once_later_and_never_inside_schedule),
      cmocka_unit_test(an_owner_may_die_inside_its_own_callback),
      cmocka_unit_test(an_aligned_timer_stays_aligned_when_the_loop_is_late),
      cmocka_unit_test(a_leaked_handle_is_named),
      cmocka_unit_test(dropped_work_does_not_call_back),
      cmocka_unit_test(a_connector_goes_on_to_the_address_that_answers),
      cmocka_unit_test(a_connector_that_is_given_up_resets_what_the_server_has_accepted),
  };
  return cmocka_run_group_tests_name("loop_loop", tests, nullptr, nullptr);
}
