#include "app/state_dir.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

std::string state_of(const TempFolder& temp, const std::string& name = {}) {
  return temp.path("state" + (name.empty() ? "" : "/" + name));
}

// A daemon's life as far as the state directory sees it.
struct Life {
  explicit Life(const TempFolder& temp, bool system_mode = false)
      : opened(app::StateDir::open(loop, log, state_of(temp), system_mode)) {}
  ~Life() {
    if (opened) opened->reset();
    assert_true(loop.drain(10s).ok());
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  app::StateDir& state() { return **opened; }
  base::Result<> flush(base::Millis deadline = 20s) {
    base::Result<> outcome = base::Error{};
    state().flush(deadline, [&](base::Result<> result) {
      outcome = std::move(result);
      loop.stop();
    });
    loop.run();
    return outcome;
  }

  loop::Loop loop;
  base::Log log;
  base::Result<std::unique_ptr<app::StateDir>> opened;
};

void assert_refused(const TempFolder& temp, base::Code code, const char* text) {
  const Life life(temp);
  assert_false(life.opened.ok());
  assert_int_equal(life.opened.error().code, code);
  if (strstr(life.opened.error().text().c_str(), text) == nullptr)
    fail_msg("\"%s\" is not in: %s", text, life.opened.error().text().c_str());
}

}  // namespace

static void what_was_put_down_stays_down_after_a_restart(void**) {
  const TempFolder temp;
  {
    Life life(temp);
    assert_true(life.opened.ok());
    assert_true(life.state().down().empty());
    for (const char* name : {"attic", "cellar", "barn"}) life.state().set_down(name, true);
    life.state().set_down("cellar", false);
    assert_true(life.flush().ok());
  }
  Life next(temp);
  assert_true(next.state().is_down("attic"));
  assert_true(next.state().is_down("barn"));
  assert_false(next.state().is_down("cellar"));
  assert_text_equal(read_text(state_of(temp, "down.json")), "{\"format\":1,\"down\":[\"attic\",\"barn\"]}\n");
}

static void the_latest_of_many_changes_wins(void**) {
  const TempFolder temp;
  Life life(temp);
  int turns = 0;
  loop::Timer timer(life.loop, "test", [&] {
    life.state().set_down("attic", turns % 2 == 0);
    life.state().set_down("line " + std::to_string(turns), true);
    if (++turns == 101) life.loop.stop();
  });
  timer.start_repeating(1ms);
  life.loop.run();
  timer.stop();
  assert_true(life.flush().ok());
  assert_true(life.state().saved());
  const auto text = read_text(state_of(temp, "down.json"));
  assert_non_null(strstr(text.c_str(), "\"attic\""));
  assert_non_null(strstr(text.c_str(), "\"line 100\""));
}

static void the_folder_is_private_and_made_with_its_parents(void**) {
  const mode_t before = ::umask(077);  // the daemon's
  for (const bool system_mode : {false, true}) {
    const TempFolder temp;
    const Life life(temp, system_mode);
    assert_true(life.opened.ok());
    struct stat facts{};
    assert_int_equal(::stat(state_of(temp).c_str(), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, system_mode ? 0750 : 0700);
    assert_text_equal(read_text(state_of(temp, "format")), "1\n");
    assert_text_equal(read_text(state_of(temp, "lock")), std::to_string(::getpid()) + "\n");
    assert_text_equal((*life.opened)->audit_folder(), state_of(temp, "audit"));
  }
  ::umask(before);
}

static void a_second_daemon_is_refused_and_told_the_pid_of_the_first(void**) {
  const TempFolder temp;
  {
    const Life first(temp);
    assert_refused(temp, base::Code::conflict, ("PID " + std::to_string(::getpid())).c_str());
    assert_text_equal(read_text(state_of(temp, "lock")), std::to_string(::getpid()) + "\n");
  }
  assert_true(Life(temp).opened.ok());
}

static void the_lock_of_a_killed_daemon_does_no_harm(void**) {
  const TempFolder temp;
  const pid_t child = ::fork();
  if (child == 0) {
    loop::Loop loop;
    base::Log log;
    const auto opened = app::StateDir::open(loop, log, state_of(temp), false);
    if (opened.ok()) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_text_equal(read_text(state_of(temp, "lock")), std::to_string(child) + "\n");
  const Life life(temp);
  assert_true(life.opened.ok());
  assert_text_equal(read_text(state_of(temp, "lock")), std::to_string(::getpid()) + "\n");
}

static void a_newer_format_is_refused_and_names_both(void**) {
  const TempFolder temp;
  std::filesystem::create_directories(state_of(temp));
  std::filesystem::permissions(state_of(temp), std::filesystem::perms::owner_all);
  write_text(state_of(temp, "format"), "7\n");
  write_text(state_of(temp, "down.json"), "{\"format\":7}");
  assert_refused(temp, base::Code::unsupported, "has format 7");
  assert_refused(temp, base::Code::unsupported, "knows formats up to 1");
  assert_text_equal(read_text(state_of(temp, "down.json")), "{\"format\":7}");
  for (const char* text : {"", "one", "0", "-1", "1x"}) {
    write_text(state_of(temp, "format"), text);
    assert_refused(temp, base::Code::unsupported, "not a format number");
  }
}

static void a_damaged_down_json_is_put_aside_and_told(void**) {
  const std::string damaged[] = {"",
                                 "{\"format\":1,\"down\":[\"att",
                                 "[]",
                                 "{\"format\":1}",
                                 "{\"format\":2,\"down\":[]}",
                                 "{\"format\":1,\"down\":[1]}",
                                 std::string(2u << 20, 'x'),
                                 std::string(100, '\0')};
  for (const auto& text : damaged) {
    const TempFolder temp;
    assert_true(Life(temp).opened.ok());
    write_text(state_of(temp, "down.json"), text);
    Life life(temp);
    assert_true(life.opened.ok());
    assert_true(life.state().down().empty());
    assert_non_null(strstr(life.state().damage().c_str(), "down.json.damaged"));
    assert_false(base::exists(state_of(temp, "down.json")));
    assert_true(read_text(state_of(temp, "down.json.damaged")) == text);
  }
}

static void a_folder_that_others_can_write_to_is_refused(void**) {
  for (const mode_t mode : {mode_t{0770}, mode_t{0707}, mode_t{01777}}) {
    const TempFolder temp;
    assert_int_equal(::mkdir(state_of(temp).c_str(), 0700), 0);
    assert_int_equal(::chmod(state_of(temp).c_str(), mode), 0);
    assert_refused(temp, base::Code::forbidden, "chmod go-w");
  }
}

static void a_folder_of_another_user_is_refused(void**) {
  const TempFolder temp;
  if (::geteuid() != 0) skip();
  assert_int_equal(::mkdir(state_of(temp).c_str(), 0700), 0);
  assert_int_equal(::chown(state_of(temp).c_str(), 12'345, 12'345), 0);
  assert_refused(temp, base::Code::forbidden, "belongs to uid 12345");
}

static void leftovers_of_an_interrupted_write_are_removed(void**) {
  const TempFolder temp;
  assert_true(Life(temp).opened.ok());
  const char* const others[] = {"thesis.tmp",         "down.json.tmp",    "down.json.old.tmp",
                                "down.json.123.tmp2", "xdown.json.1.tmp", "formatted.1.tmp"};
  for (const char* name : others) write_text(state_of(temp, name), "precious");
  write_text(state_of(temp, "down.json.123.tmp"), "half");
  write_text(state_of(temp, "format.18446744073709551615.tmp"), "half");
  write_text(state_of(temp, "kept.txt"), "mine");
  assert_true(Life(temp).opened.ok());
  assert_false(base::exists(state_of(temp, "down.json.123.tmp")));
  assert_false(base::exists(state_of(temp, "format.18446744073709551615.tmp")));
  for (const char* name : others) assert_true(base::exists(state_of(temp, name)));
  assert_true(base::exists(state_of(temp, "kept.txt")));
}

static void a_write_that_fails_is_told_and_made_good(void**) {
  const TempFolder temp;
  Life life(temp);
  std::filesystem::create_directories(state_of(temp, "down.json/in the way"));
  life.state().set_down("attic", true);
  const auto flushed = life.flush();
  assert_false(flushed.ok());
  assert_non_null(strstr(life.state().error().c_str(), "down.json"));
  assert_false(life.state().saved());
  std::filesystem::remove_all(state_of(temp, "down.json"));
  assert_true(life.flush().ok());
  assert_true(life.state().error().empty());
  assert_non_null(strstr(read_text(state_of(temp, "down.json")).c_str(), "attic"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_was_put_down_stays_down_after_a_restart),
      cmocka_unit_test(the_latest_of_many_changes_wins),
      cmocka_unit_test(the_folder_is_private_and_made_with_its_parents),
      cmocka_unit_test(a_second_daemon_is_refused_and_told_the_pid_of_the_first),
      cmocka_unit_test(the_lock_of_a_killed_daemon_does_no_harm),
      cmocka_unit_test(a_newer_format_is_refused_and_names_both),
      cmocka_unit_test(a_damaged_down_json_is_put_aside_and_told),
      cmocka_unit_test(a_folder_that_others_can_write_to_is_refused),
      cmocka_unit_test(a_folder_of_another_user_is_refused),
      cmocka_unit_test(leftovers_of_an_interrupted_write_are_removed),
      cmocka_unit_test(a_write_that_fails_is_told_and_made_good),
  };
  return cmocka_run_group_tests_name("app_state_dir", tests, nullptr, nullptr);
}
