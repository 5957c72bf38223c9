// The task store in SQLite when the file, the disk or the process lets it down.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "store_tasks_scene.hpp"

static void another_process_that_writes_is_waited_out(void**) {
  const TempFolder temp;
  TaskScene scene(temp);
  scene.submit(1);
  auto somebody = scene.open_beside();
  assert_true(somebody.run("BEGIN IMMEDIATE").ok());
  const auto refused = scene.try_submit(1);
  assert_int_equal(refused.error().code, base::Code::unavailable);
  assert_int_equal(scene.store->status().state, core::StoreStatus::State::away);
  assert_non_null(strstr(scene.store->status().error.c_str(), "another process"));
  assert_true(somebody.run("COMMIT").ok());
  scene.until_open();  // by itself
  assert_text_equal(scene.store->status().error, "");
  scene.submit(1);
  assert_int_equal(scene.count(), 2);
  assert_true(scene.states >= 3);
}

static void a_full_file_fails_the_calls_and_changes_nothing(void**) {
  const TempFolder temp;
  TaskScene scene(temp);
  scene.submit(100);
  {
    const FileSizeLimit limit(std::filesystem::file_size(scene.file() + "-wal"));
    for (int i = 0; i < 3; ++i) assert_int_equal(scene.try_submit(300).error().code, base::Code::io);
    assert_int_equal(scene.store->status().state, core::StoreStatus::State::away);
  }
  scene.until_open();
  assert_int_equal(scene.count(), 100);
  scene.submit(300);
  assert_int_equal(scene.count(), 400);
}

static void a_full_file_system_loses_nothing_that_was_acknowledged(void**) {
  const TempFolder temp;
  if (::geteuid() != 0 || ::mount("tmpfs", temp.path().c_str(), "tmpfs", 0, "size=2m") != 0) skip();
  {
    TaskScene scene(temp);
    std::size_t stored = 0;
    base::Code code = base::Code::internal;
    for (int i = 0; i < 100 && code == base::Code::internal; ++i) {
      const auto tried = scene.try_submit(200);
      if (tried)
        stored += 200;
      else
        code = tried.error().code;
    }
    assert_int_equal(code, base::Code::io);
    assert_true(stored > 0);
    assert_int_equal(::mount("tmpfs", temp.path().c_str(), "tmpfs", MS_REMOUNT, "size=32m"), 0);
    scene.until_open();
    assert_int_equal(scene.count(), stored);
    scene.submit(500);
    assert_int_equal(scene.count(), stored + 500);
  }
  assert_int_equal(::umount2(temp.path().c_str(), MNT_DETACH), 0);
}

static void a_call_that_fails_takes_nothing_of_its_neighbours_with_it(void**) {
  const TempFolder temp;
  TaskScene scene(temp);
  const auto id = scene.submit(1);
  int answers = 0;
  scene.store->submit({scene.task()}, [&](auto stored) { answers += stored.ok() ? 1 : 100; });
  scene.store->order(id, core::TaskOrder::retry, {"ada", {}, {}},
                     [&](auto outcome) { answers += outcome.ok() ? 100 : 1; });
  scene.store->submit({scene.task()}, [&](auto stored) { answers += stored.ok() ? 1 : 100; });
  run_until(scene.loop, [&] { return answers >= 3; }, "three answers");
  assert_int_equal(answers, 3);
  assert_int_equal(scene.count(), 3);
}

static void what_is_no_queue_is_refused_and_left_alone(void**) {
  const TempFolder temp;
  const auto path = temp.path(store::kQueueName);
  const auto refused = [&](const char* why) {
    TaskScene scene(temp, false);
    scene.until([&] { return scene.store->status().state == core::StoreStatus::State::refused; });
    if (strstr(scene.store->status().error.c_str(), why) == nullptr)
      fail_msg("the error says: %s", scene.store->status().error.c_str());
    assert_false(scene.try_submit(1).ok());
  };
  const std::string noise(10'000, 'z');
  write_text(path, noise);
  refused("damaged");
  assert_text_equal(read_text(path), noise);
  std::filesystem::remove(path);
  write_text(path, "");
  run_sql(path, "CREATE TABLE letters (id INTEGER)");
  refused("somebody else");
  assert_int_equal(ask_sql(path, "SELECT count(*) FROM letters"), 0);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  refused("no file");
}

static void a_damaged_file_is_refused_with_its_cure(void**) {
  const TempFolder temp;
  {
    TaskScene scene(temp);
    scene.submit(3'000);
    scene.close();
  }
  const auto path = temp.path(store::kQueueName);
  const auto size = std::filesystem::file_size(path);
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4'096);  // every page but the first, which says that it is a queue
    file << std::string(size - 4'096, 'z');
  }
  TaskScene scene(temp, false);
  scene.until([&] {
    if (scene.store->status().state == core::StoreStatus::State::open) assert_false(scene.try_submit(1).ok());
    return scene.store->status().state == core::StoreStatus::State::refused;
  });
  assert_int_equal(scene.try_submit(1).error().code, base::Code::protocol);
  assert_non_null(strstr(scene.store->status().error.c_str(), ".recover"));
  assert_int_equal(std::filesystem::file_size(path), size);  // never replaced by an empty queue
}

static void a_truncated_file_is_refused(void**) {
  const TempFolder temp;
  {
    TaskScene scene(temp);
    scene.submit(3'000);
    scene.close();
  }
  std::filesystem::resize_file(temp.path(store::kQueueName), 40'960);
  TaskScene scene(temp, false);
  scene.until([&] { return scene.store->status().state == core::StoreStatus::State::refused; });
  assert_non_null(strstr(scene.store->status().error.c_str(), "damaged"));
}

static void a_file_that_was_taken_away_is_not_replaced_by_an_empty_one(void**) {
  const TempFolder temp;
  TaskScene scene(temp);
  scene.submit(3);
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::rename(scene.file() + end, temp.path("elsewhere") + end);
  assert_int_equal(scene.try_submit(1).error().code, base::Code::io);
  assert_int_equal(scene.store->status().state, core::StoreStatus::State::away);
  assert_false(std::filesystem::exists(scene.file()));
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::rename(temp.path("elsewhere") + end, scene.file() + end);
  scene.until_open();
  assert_int_equal(scene.count(), 3);
}

static void a_folder_that_is_missing_is_waited_for(void**) {
  const TempFolder temp;
  TaskScene scene(temp.path("state"), false);
  scene.until([&] { return scene.store->status().state == core::StoreStatus::State::away; });
  std::filesystem::create_directory(temp.path("state"));
  scene.until_open();
  scene.submit(2);
  struct stat facts{};
  assert_int_equal(::stat(scene.file().c_str(), &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
}

static void the_rights_of_an_earlier_boot_have_ended(void**) {
  const TempFolder temp;
  {
    TaskScene scene(temp);
    scene.submit(1);
    assert_int_equal(scene.claim("anna", 5).size(), 1);
    scene.close();
  }
  run_sql(temp.path(store::kQueueName), "UPDATE queue SET boot = 'another'");
  TaskScene scene(temp);
  const auto tending = scene.tend();
  assert_int_equal(tending.lost_workers.size(), 1);
  assert_int_equal(tending.changes.size(), 1);
  assert_true(tending.changes[0].event == core::TaskEvent::worker_lost);
}

namespace {

// The child of the next test: submits, claims and finishes until it is killed; says into `pipe` which tasks
// were acknowledged (their id) and which are done (their id, negative).
[[noreturn]] void work_for_ever(const TempFolder& temp, int pipe) {
  TaskScene scene(temp);
  const auto say = [&](std::int64_t number) {
    if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(1);
  };
  scene.register_worker("anna");
  for (;;) {
    const auto last = number(scene.submit(20));
    for (auto id = last - 19; id <= last; ++id) say(id);
    for (const auto& one : scene.claim_as_registered(15)) {
      if (scene.report_done(one)) say(-number(one.task.id));
    }
  }
}

}  // namespace

static void kill_9_loses_nothing_that_was_acknowledged(void**) {
  const TempFolder temp;
  std::set<std::int64_t> submitted, done;
  for (int life = 0; life < 6; ++life) {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    assert_true(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      work_for_ever(temp, ends[1]);
    }
    ::close(ends[1]);
    const auto note = [&](std::int64_t number) { (number > 0 ? submitted : done).insert(std::abs(number)); };
    std::int64_t said = 0;
    for (int heard = 0; heard < 200 + 97 * life; ++heard) {
      if (::read(ends[0], &said, sizeof said) != sizeof said) fail_msg("the child ended by itself");
      note(said);
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    while (::read(ends[0], &said, sizeof said) == sizeof said) note(said);
    ::close(ends[0]);
    const auto path = temp.path(store::kQueueName);
    assert_int_equal(
        ask_sql(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    assert_int_equal(ask_sql(path, "SELECT (SELECT history FROM queue) - (SELECT count(*) FROM history)"), 0);
  }
  TaskScene scene(temp);
  for (const auto id : submitted) {
    const auto state = scene.state_of(core::TaskId{id});
    assert_true(state.has_value());
    if (done.contains(id)) assert_true(*state == core::TaskState::done);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(kill_9_loses_nothing_that_was_acknowledged),
      cmocka_unit_test(another_process_that_writes_is_waited_out),
      cmocka_unit_test(a_full_file_fails_the_calls_and_changes_nothing),
      cmocka_unit_test(a_full_file_system_loses_nothing_that_was_acknowledged),
      cmocka_unit_test(a_call_that_fails_takes_nothing_of_its_neighbours_with_it),
      cmocka_unit_test(what_is_no_queue_is_refused_and_left_alone),
      cmocka_unit_test(a_damaged_file_is_refused_with_its_cure),
      cmocka_unit_test(a_truncated_file_is_refused),
      cmocka_unit_test(a_file_that_was_taken_away_is_not_replaced_by_an_empty_one),
      cmocka_unit_test(a_folder_that_is_missing_is_waited_for),
      cmocka_unit_test(the_rights_of_an_earlier_boot_have_ended),
  };
  return cmocka_run_group_tests_name("store_tasks_faults", tests, nullptr, nullptr);
}
