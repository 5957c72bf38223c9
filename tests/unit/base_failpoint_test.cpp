// Each test arms a point in a child that runs this program again, as the environment is read when it is
// loaded.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/failpoint.hpp"
#include "cmocka.hpp"

using fairlead::base::Failpoint;
using fairlead::base::failpoint;

namespace {

constexpr int kPasses = 3;
enum Ended { all_passed = 10, refused, none_armed };

// What the child does: it passes two points, and tells what was armed.
int pass_points() {
  const auto armed = fairlead::base::armed_failpoint();
  for (int i = 0; i < kPasses; ++i) {
    failpoint(Failpoint::beat_sent);
    failpoint(Failpoint::report_sent);
    (void)!::write(STDOUT_FILENO, ".", 1);
  }
  if (!armed) return refused;
  return **armed == '\0' ? none_armed : all_passed;
}

struct Seen {
  int status = 0;
  std::size_t passes = 0;
};

Seen run_with(const char* armed) {
  int ends[2];
  assert_int_equal(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::setenv("FAIRLEAD_FAILPOINT", armed, 1);
    ::execl("/proc/self/exe", "base_failpoint", "child", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  Seen seen;
  char byte;
  while (::read(ends[0], &byte, 1) == 1) ++seen.passes;
  ::close(ends[0]);
  assert_int_equal(::waitpid(child, &seen.status, 0), child);
  return seen;
}

void assert_killed(const Seen& seen, std::size_t passes) {
  assert_true(WIFSIGNALED(seen.status));
  assert_int_equal(WTERMSIG(seen.status), SIGKILL);
  assert_int_equal(seen.passes, passes);
}

void assert_ended(const Seen& seen, int code) {
  assert_true(WIFEXITED(seen.status));
  assert_int_equal(WEXITSTATUS(seen.status), code);
  assert_int_equal(seen.passes, kPasses);
}

}  // namespace

static void kills_at_the_first_pass(void**) {
  assert_killed(run_with("report_sent"), 0);
}

static void kills_at_the_pass_that_is_named(void**) {
  assert_killed(run_with("report_sent:3"), 2);
  assert_ended(run_with("report_sent:4"), all_passed);
}

static void other_points_are_passed(void**) {
  assert_ended(run_with("child_before"), all_passed);
}

static void without_the_variable_nothing_is_armed(void**) {
  assert_ended(run_with(""), none_armed);
}

static void what_means_nothing_is_refused(void**) {
  for (const char* wrong : {"nowhere", "report_sent:0", "report_sent:", "report_sent:x", ":1", "none"})
    assert_ended(run_with(wrong), refused);
}

int main(int argc, char**) {
  if (argc > 1) return pass_points();
  const CMUnitTest tests[] = {
      cmocka_unit_test(kills_at_the_first_pass),
      cmocka_unit_test(kills_at_the_pass_that_is_named),
      cmocka_unit_test(other_points_are_passed),
      cmocka_unit_test(without_the_variable_nothing_is_armed),
      cmocka_unit_test(what_means_nothing_is_refused),
  };
  return cmocka_run_group_tests_name("base_failpoint", tests, nullptr, nullptr);
}
