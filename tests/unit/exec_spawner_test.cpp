// The daemon's side with the real spawner process behind it. What a child gets and how trees end is tested
// over the bare protocol in tests/e2e/test_spawner.py; here, what the daemon sees of it.
#include "exec/spawner.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

#include "cmocka.hpp"
#include "spawner_house.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

void gone(pid_t pid) {
  for (int i = 0; i < 6000 && ::kill(pid, 0) == 0; ++i) ::usleep(10'000);
  assert_int_equal(::kill(pid, 0), -1);
}

void freeze(pid_t pid) {
  siginfo_t stopped{};
  ::kill(pid, SIGSTOP);
  assert_int_equal(::waitid(P_PID, static_cast<id_t>(pid), &stopped, WSTOPPED | WNOWAIT), 0);
}

}  // namespace

static void a_result_arrives(void**) {
  House house;
  auto spec = script("cat; echo err >&2; exit 3");
  spec.input = std::string("in\0put", 6);
  const auto result = house.outcome(spec);
  assert_true(result.ok());
  assert_true(result->end == core::ChildEnd::exited);
  assert_int_equal(result->status, 3);
  assert_true(result->out.head == std::string("in\0put", 6));
  assert_text_equal(result->err.head, "err\n");
  assert_false(result->clean());
  assert_int_equal(house.spawner->under_way(), 0);
}

static void errors_have_their_codes(void**) {
  House house;
  assert_true(house.outcome(command({"/nonexistent/program"})).error().code == base::Code::not_found);
  assert_true(house.outcome(command({"/etc/passwd"})).error().code == base::Code::io);
  assert_true(house.outcome(command({"relative"})).error().code == base::Code::bad_request);
  assert_true(house.outcome(command({"/bin/echo", std::string(5u << 20, 'x')})).error().code ==
              base::Code::bad_request);
  auto spec = script("true");
  spec.folder = "/nonexistent";
  const auto refused = house.outcome(spec);
  assert_true(refused.error().code == base::Code::io);
  assert_non_null(strstr(refused.error().message.c_str(), "/nonexistent"));
}

static void a_call_that_goes_ends_its_child_and_is_not_called_back(void**) {
  House house;
  bool called = false;
  auto call = house.spawner->start(script("trap '' TERM; echo $$; while :; do sleep 1; done"),
                                   [&](Result) { called = true; });
  assert_int_equal(house.spawner->under_way(), 1);
  call.reset();
  assert_int_equal(house.spawner->under_way(), 0);
  bool stopped = false;
  house.spawner->stop([&] { stopped = true; });
  house.until([&] { return stopped; });
  assert_false(called);
}

static void a_call_may_go_inside_its_own_callback(void**) {
  House house;
  std::unique_ptr<core::ChildCall> call;
  bool called = false;
  call = house.spawner->start(script("true"), [&](Result) {
    call.reset();
    called = true;
  });
  house.until([&] { return called; });
}

static void ending_a_call_tells_how(void**) {
  House house;
  std::optional<Result> result;
  const auto call =
      house.spawner->start(script("exec sleep 1000"), [&](Result got) { result = std::move(got); });
  call->end();
  house.until([&] { return result.has_value(); });
  assert_true((*result)->end == core::ChildEnd::killed);
}

static void a_lease_is_renewed_until_it_is_not(void**) {
  House house;
  auto spec = script("exec sleep 1000");
  spec.lease_until = base::BootClock::now() + 300ms;
  std::optional<Result> result;
  freeze(house.spawner->pid());  // it reads both at once, however long we need for them
  const auto call = house.spawner->start(spec, [&](Result got) { result = std::move(got); });
  const auto enough = base::BootClock::now() + 3h;
  call->renew_lease(enough);
  ::kill(house.spawner->pid(), SIGCONT);
  int looks = 0;
  loop::Timer look(house.loop, "looks", [&] { ++looks; });
  look.start(1s);
  house.until([&] { return looks > 0; });
  assert_false(result.has_value());
  call->renew_lease(base::BootClock::now());
  house.until([&] { return result.has_value(); });
  assert_true((*result)->end == core::ChildEnd::killed);
}

static void many_at_once_each_get_their_own(void**) {
  House house;
  std::vector<std::unique_ptr<core::ChildCall>> calls;
  std::vector<std::string> seen(50);
  std::size_t count = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto spec = script("read -r word; echo \"$word\"");
    spec.input =
        "number " + std::to_string(i) + "\n" + std::string(100'000, 'x');  // more than the socket takes
    calls.push_back(house.spawner->start(spec, [&, i](Result result) {
      seen[i] = result.ok() ? result->out.head : result.error().text();
      ++count;
    }));
  }
  house.until([&] { return count == seen.size(); });
  for (std::size_t i = 0; i < seen.size(); ++i)
    assert_text_equal(seen[i], "number " + std::to_string(i) + "\n");
}

static void too_many_are_refused(void**) {
  House house;
  std::vector<std::unique_ptr<core::ChildCall>> calls;
  std::optional<Result> last;
  for (std::size_t i = 0; i < core::kMaxChildren; ++i)
    calls.push_back(house.spawner->start(script("exec sleep 1000"), [](Result) {}));
  calls.push_back(
      house.spawner->start(script("exec sleep 1000"), [&](Result got) { last = std::move(got); }));
  house.until([&] { return last.has_value(); });
  assert_true(last->error().code == base::Code::unavailable);
}

static void a_dead_spawner_is_told_and_replaced(void**) {
  House house;
  const int first = house.spawner->pid();
  assert_true(first > 0);
  std::optional<Result> result;
  const auto call =
      house.spawner->start(script("exec sleep 1000"), [&](Result got) { result = std::move(got); });
  ::kill(first, SIGKILL);
  house.until([&] { return result.has_value(); });
  assert_true(result->error().code == base::Code::unavailable);
  call->end();  // nothing happens
  assert_true(house.outcome(script("true"))->clean());
  assert_true(house.spawner->pid() > 0 && house.spawner->pid() != first);
}

static void a_missing_spawner_fails_each_call_with_its_path(void**) {
  House house("/nonexistent/fairlead-host");
  for (int i = 0; i < 2; ++i) {
    const auto result = house.outcome(script("true"));
    assert_true(result.error().code == base::Code::unavailable);
    assert_non_null(strstr(result.error().message.c_str(), "/nonexistent/fairlead-host"));
  }
  bool stopped = false;
  house.spawner->stop([&] { stopped = true; });
  house.until([&] { return stopped; });
}

static void what_is_no_spawner_fails_each_call(void**) {
  House house("/bin/true");
  const auto result = house.outcome(script("true"));
  assert_true(result.error().code == base::Code::unavailable);
}

static void stopping_ends_the_children_first(void**) {
  House house;
  std::optional<Result> result;
  bool stopped = false;
  const auto call =
      house.spawner->start(script("exec sleep 1000"), [&](Result got) { result = std::move(got); });
  const pid_t pid = house.spawner->pid();
  house.spawner->stop([&] { stopped = true; });
  house.until([&] { return stopped; });
  assert_true(result->error().code == base::Code::cancelled);
  assert_int_equal(house.spawner->pid(), 0);
  gone(pid);
  assert_true(house.outcome(script("true")).error().code == base::Code::cancelled);
}

static void a_call_may_outlive_the_spawner(void**) {
  House house;
  const auto call = house.spawner->start(script("exec sleep 1000"), [](Result) { fail_msg("called"); });
  house.spawner.reset();
  call->end();
}

static void is_found_beside_the_executable(void**) {
  assert_non_null(strstr(exec::host_path().c_str(), "/fairlead-host"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_result_arrives),
      cmocka_unit_test(errors_have_their_codes),
      cmocka_unit_test(a_call_that_goes_ends_its_child_and_is_not_called_back),
      cmocka_unit_test(a_call_may_go_inside_its_own_callback),
      cmocka_unit_test(ending_a_call_tells_how),
      cmocka_unit_test(a_lease_is_renewed_until_it_is_not),
      cmocka_unit_test(many_at_once_each_get_their_own),
      cmocka_unit_test(too_many_are_refused),
      cmocka_unit_test(a_dead_spawner_is_told_and_replaced),
      cmocka_unit_test(a_missing_spawner_fails_each_call_with_its_path),
      cmocka_unit_test(what_is_no_spawner_fails_each_call),
      cmocka_unit_test(stopping_ends_the_children_first),
      cmocka_unit_test(a_call_may_outlive_the_spawner),
      cmocka_unit_test(is_found_beside_the_executable),
  };
  return cmocka_run_group_tests_name("exec_spawner", tests, nullptr, nullptr);
}
