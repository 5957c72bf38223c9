#include "loop/process.hpp"

#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "base/unique_fd.hpp"
#include "cmocka.hpp"
#include "loop/loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

struct Ended {
  int status = -1, signal = -1;
};

std::unique_ptr<loop::Process> shell(loop::Loop& loop, const std::string& script, Ended& ended,
                                     const std::vector<int>& inherited = {}) {
  auto process = loop::Process::start(loop, "shell", "/bin/sh", {"sh", "-c", script}, inherited,
                                      [&](int status, int signal) {
                                        ended = {status, signal};
                                        loop.stop();
                                      });
  if (!process) fail_msg("%s", process.error().text().c_str());
  return std::move(*process);
}

void no_child_is_left() {
  assert_int_equal(::waitpid(-1, nullptr, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
}

}  // namespace

static void tells_how_it_ended(void**) {
  loop::Loop loop;
  Ended ended;
  auto process = shell(loop, "exit 7", ended);
  assert_true(process->running() && process->pid() > 0);
  loop.run();
  assert_false(process->running());
  assert_int_equal(ended.status, 7);
  assert_int_equal(ended.signal, 0);
  process = shell(loop, "kill -TERM $$", ended);
  loop.run();
  assert_int_equal(ended.signal, SIGTERM);
  process.reset();
  assert_true(loop.drain(30s).ok());
}

static void a_missing_program_is_an_error_with_its_path(void**) {
  loop::Loop loop;
  const auto process = loop::Process::start(loop, "none", "/nonexistent/program", {"x"}, {}, [](int, int) {});
  assert_false(process.ok());
  assert_true(process.error().code == base::Code::io);
  assert_text_equal(process.error().where, "/nonexistent/program");
  assert_true(loop.drain(30s).ok());
  no_child_is_left();
}

// Descriptors 3 and 4 as they were named, whatever their numbers here; no environment; a session of its own.
static void gets_what_it_is_given(void**) {
  int first[2], second[2];
  assert_int_equal(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first), 0);
  assert_int_equal(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second), 0);
  ::setenv("FAIRLEAD_TEST_SECRET", "secret", 1);
  loop::Loop loop;
  Ended ended;
  auto process = shell(loop,
                       "printf 'three:%s' \"$FAIRLEAD_TEST_SECRET\" >&3;"
                       "read -r _ _ _ _ _ session _ </proc/$$/stat; [ $session = $$ ] && printf own >&4",
                       ended, {second[1], first[1]});
  ::close(first[1]);
  ::close(second[1]);
  loop.run();
  char text[256];
  auto got = ::recv(second[0], text, sizeof text, 0);
  assert_text_equal(std::string_view(text, static_cast<std::size_t>(got)), "three:");
  got = ::recv(first[0], text, sizeof text, 0);
  assert_text_equal(std::string_view(text, static_cast<std::size_t>(got)), "own");
  assert_int_equal(::recv(first[0], text, sizeof text, 0), 0);  // nobody else holds the other end
  ::close(first[0]);
  ::close(second[0]);
  process.reset();
  assert_true(loop.drain(30s).ok());
}

static void is_killed_on_request(void**) {
  loop::Loop loop;
  Ended ended;
  auto process = shell(loop, "exec sleep 1000", ended);
  process->kill(SIGKILL);
  loop.run();
  assert_int_equal(ended.signal, SIGKILL);
  process->kill(SIGKILL);  // nothing happens
  process.reset();
  assert_true(loop.drain(30s).ok());
}

static void without_its_owner_it_is_killed_and_reaped(void**) {
  loop::Loop loop;
  Ended ended;
  shell(loop, "trap '' TERM; exec sleep 1000", ended).reset();
  assert_int_equal(loop.open_handles().at("shell"), 1);  // until it has been reaped
  assert_true(loop.drain(30s).ok());
  assert_int_equal(ended.signal, -1);  // not called back
  no_child_is_left();
}

static void its_owner_may_go_inside_the_callback(void**) {
  loop::Loop loop;
  std::unique_ptr<loop::Process> process;
  int runs = 0;
  auto started = loop::Process::start(loop, "suicide", "/bin/true", {"true"}, {}, [&](int, int) {
    ++runs;
    process.reset();
  });
  process = std::move(*started);
  loop.run();
  assert_int_equal(runs, 1);
  assert_true(loop.drain(30s).ok());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(tells_how_it_ended),
      cmocka_unit_test(a_missing_program_is_an_error_with_its_path),
      cmocka_unit_test(gets_what_it_is_given),
      cmocka_unit_test(is_killed_on_request),
      cmocka_unit_test(without_its_owner_it_is_killed_and_reaped),
      cmocka_unit_test(its_owner_may_go_inside_the_callback),
  };
  return cmocka_run_group_tests_name("loop_process", tests, nullptr, nullptr);
}
