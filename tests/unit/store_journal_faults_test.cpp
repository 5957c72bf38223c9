// The decision journal when the file, the disk or the process lets it down.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "file_size_limit.hpp"
#include "store_journal_scene.hpp"

namespace {

std::vector<std::string> set_aside_in(const TempFolder& temp) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(temp.path()))
    if (const auto name = entry.path().string();
        name.find(".damaged-") != std::string::npos && !name.ends_with("-wal"))
      names.push_back(name);
  return names;
}

// One life of a journal: opened, filled with `count` decisions, closed.
void write_journal(const store::JournalSettings& settings, int count) {
  Scene scene(settings);
  scene.record(count);
  assert_true(scene.flush().ok());
}

}  // namespace

static void a_file_that_is_no_database_is_set_aside(void**) {
  const TempFolder temp;
  write_text(journal_of(temp), std::string(10'000, 'z'));
  Scene scene(settings_for(temp));
  scene.record(3);
  assert_true(scene.flush().ok());
  assert_int_equal(read_all(journal_of(temp)).size(), 3);
  const auto aside = set_aside_in(temp);
  assert_int_equal(aside.size(), 1);
  assert_int_equal(std::filesystem::file_size(aside[0]), 10'000);
  assert_text_equal(scene.journal->status().set_aside, aside[0]);
  assert_true(scene.was_logged("event=journal_set_aside"));
  assert_true(scene.journal->status().error.empty());
}

static void a_foreign_database_and_what_is_no_file_are_set_aside(void**) {
  const TempFolder temp;
  write_text(journal_of(temp), "");
  run_sql(journal_of(temp), "CREATE TABLE letters (id INTEGER)");
  write_journal(settings_for(temp), 1);
  assert_int_equal(set_aside_in(temp).size(), 1);
  std::filesystem::remove(journal_of(temp));
  std::filesystem::create_directory(journal_of(temp));
  write_journal(settings_for(temp), 1);
  std::filesystem::remove(journal_of(temp));
  std::filesystem::create_symlink("/etc/passwd", journal_of(temp));
  write_journal(settings_for(temp), 2);
  assert_int_equal(set_aside_in(temp).size(), 3);
  assert_int_equal(read_all(journal_of(temp)).size(), 2);
}

static void damage_found_while_writing_is_set_aside_and_nothing_is_lost(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_journal(settings, 3'000);
  {
    std::fstream file(journal_of(temp), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4'096);  // every page but the first, which says that it is a journal
    const std::string noise(std::filesystem::file_size(journal_of(temp)) - 4'096, 'z');
    file << noise;
  }
  Scene scene(settings);
  scene.record(5);
  assert_true(scene.flush().ok());
  assert_int_equal(read_all(journal_of(temp)).size(), 5);
  assert_int_equal(set_aside_in(temp).size(), 1);
  assert_true(scene.was_logged("malformed"));
}

static void only_the_newest_damaged_files_are_kept(void**) {
  const TempFolder temp;
  for (int i = 0; i < 6; ++i) {
    write_text(journal_of(temp), "damaged " + std::to_string(i));
    write_journal(settings_for(temp), 1);
    std::filesystem::remove(journal_of(temp));
  }
  assert_int_equal(set_aside_in(temp).size(), 3);
}

static void a_newer_schema_is_refused_and_left_alone(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_journal(settings, 3);
  run_sql(journal_of(temp), "PRAGMA user_version = 2");
  {
    Scene scene(settings);
    scene.record(1);
    const auto flushed = scene.flush();
    assert_false(flushed.ok());
    assert_non_null(strstr(flushed.error().message.c_str(), "has schema 2, this fairlead knows 1"));
    assert_text_equal(scene.journal->status().error, flushed.error().message);
  }
  const auto reader = store::JournalReader::open(journal_of(temp), {});
  assert_int_equal(reader.error().code, base::Code::unsupported);
  assert_int_equal(set_aside_in(temp).size(), 0);
  run_sql(journal_of(temp), "PRAGMA user_version = 1");
  assert_int_equal(read_all(journal_of(temp)).size(), 3);
}

static void reading_says_what_is_wrong(void**) {
  const TempFolder temp;
  assert_int_equal(store::JournalReader::open(journal_of(temp), {}).error().code, base::Code::not_found);
  write_text(journal_of(temp), "");
  assert_int_equal(store::JournalReader::open(journal_of(temp), {}).error().code, base::Code::not_found);
  write_text(journal_of(temp), std::string(10'000, 'z'));
  assert_true(store::tells_damage(store::JournalReader::open(journal_of(temp), {}).error()));
}

static void a_journal_may_go_in_the_middle_of_anything(void**) {
  const TempFolder temp;
  for (int turns = 0; turns < 30; ++turns) {
    Scene scene(settings_for(temp));
    scene.record(600);
    int left = turns;
    scene.until([&] { return left-- <= 0; });
    auto read = scene.journal->read({}, [](auto) {});
    if (turns % 2 == 0) scene.journal->flush(10s, [](auto) {});
    scene.close();
  }
  assert_int_equal(set_aside_in(temp).size(), 0);
  Scene scene(settings_for(temp));
  assert_true(scene.flush().ok());
  assert_int_equal(
      ask_sql(journal_of(temp), "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"), 0);
}

static void a_file_taken_away_while_writing_is_noticed(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  scene.record(3);
  scene.until([&] { return scene.journal->status().stored == 3; });
  std::filesystem::rename(journal_of(temp), temp.path("elsewhere"));
  scene.record(2);
  assert_true(scene.flush().ok());
  assert_int_equal(read_all(journal_of(temp)).size(), 2);
}

static void a_lock_held_by_somebody_is_waited_out(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  scene.record(1);
  assert_true(scene.flush().ok());
  auto somebody = store::Database::open(journal_of(temp), store::Database::Mode::read_write, 1s);
  assert_true(somebody->run("BEGIN IMMEDIATE").ok());
  scene.record(2);
  scene.until([&] { return !scene.journal->status().error.empty(); });
  assert_true(scene.was_logged("event=journal_write_failed"));
  assert_true(somebody->run("COMMIT").ok());
  scene.until([&] { return scene.journal->status().stored == 3; });
  assert_true(scene.journal->status().error.empty());
  assert_true(scene.was_logged("event=journal_write_recovered"));
}

static void a_write_that_fails_is_made_good_later_and_the_rest_is_counted(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_queued = 400;
  Scene scene(settings);
  scene.record(100);
  scene.until([&] { return scene.journal->status().stored == 100; });
  {
    const FileSizeLimit limit(std::filesystem::file_size(journal_of(temp) + "-wal"));
    scene.record(300);
    const auto flushed = scene.flush();
    assert_false(flushed.ok());
    assert_int_equal(scene.journal->status().queued, 300);
    scene.record(300);
    assert_int_equal(scene.journal->status().queued, 400);
    assert_int_equal(scene.journal->status().dropped, 200);
  }
  scene.until([&] { return scene.journal->status().stored == 500; });  // by itself
  scene.record(1);
  assert_true(scene.flush().ok());
  const auto all = read_all(journal_of(temp));
  assert_int_equal(all.size(), 501);
  assert_int_equal(all.back().left_out, 200);
  assert_int_equal(set_aside_in(temp).size(), 0);
}

static void a_full_file_system_is_survived(void**) {
  const TempFolder temp;
  if (::geteuid() != 0 || ::mount("tmpfs", temp.path().c_str(), "tmpfs", 0, "size=1m") != 0) skip();
  {
    Scene scene(settings_for(temp));
    for (int i = 0; i < 20 && scene.journal->status().error.empty(); ++i) {
      scene.record(1'000);
      [[maybe_unused]] const auto flushed = scene.flush();
    }
    assert_false(scene.journal->status().error.empty());
    assert_true(scene.journal->status().queued > 0);
    assert_int_equal(::mount("tmpfs", temp.path().c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
    scene.until([&] { return scene.journal->status().queued == 0; });
    assert_true(scene.flush().ok());
    assert_int_equal(read_all(journal_of(temp)).size(), scene.journal->status().stored);
    assert_int_equal(set_aside_in(temp).size(), 0);
  }
  assert_int_equal(::umount2(temp.path().c_str(), MNT_DETACH), 0);
}

static void a_folder_that_is_missing_is_waited_for(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.path = temp.path("state/decisions.sqlite");
  Scene scene(settings);
  scene.record(4);
  scene.until([&] { return !scene.journal->status().error.empty(); });
  std::filesystem::create_directory(temp.path("state"));
  scene.until([&] { return scene.journal->status().stored == 4; });
  assert_true(scene.journal->status().error.empty());
}

static void flushing_gives_up_at_its_deadline(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.redact_deadline = 1h;
  Scene scene(settings, [](std::vector<std::string>, store::Journal::Redacted) {});  // never answers
  scene.record(2);
  const auto flushed = scene.flush(5ms);
  assert_int_equal(flushed.error().code, base::Code::timed_out);
  assert_non_null(strstr(flushed.error().message.c_str(), "2 decisions"));
}

namespace {

// The child of the next test: writes until it is killed, and says into `pipe` how many are stored.
[[noreturn]] void write_for_ever(const store::JournalSettings& settings, int pipe) {
  Scene scene(settings);
  loop::Timer more(scene.loop, "test", [&] {
    if (scene.journal->status().queued < 2'000) scene.record(500);
    const auto stored = scene.journal->status().stored;
    if (::write(pipe, &stored, sizeof stored) != sizeof stored) ::_exit(1);
  });
  more.start_repeating(1ms);
  scene.loop.run();
  ::_exit(0);
}

}  // namespace

static void kill_9_leaves_everything_that_was_called_stored(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 2u << 20;  // so that pruning and giving back are hit, too
  std::uint64_t stored_before = 0;
  for (int life = 0; life < 8; ++life) {
    int ends[2];
    assert_int_equal(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    assert_true(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(settings, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t stored = 0;
    const auto wanted = static_cast<std::uint64_t>(2'000 + 3'000 * life);
    while (stored < wanted)
      if (::read(ends[0], &stored, sizeof stored) != sizeof stored) fail_msg("the child ended by itself");
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    for (std::uint64_t last = 0; ::read(ends[0], &last, sizeof last) == sizeof last;) stored = last;
    ::close(ends[0]);
    assert_int_equal(
        ask_sql(journal_of(temp), "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"), 0);
    const auto last_seq =
        static_cast<std::uint64_t>(ask_sql(journal_of(temp), "SELECT max(seq) FROM decisions"));
    assert_true(last_seq >= stored_before + stored);
    stored_before = last_seq;
  }
  assert_int_equal(set_aside_in(temp).size(), 0);
  write_journal(settings, 1);
  assert_int_equal(read_all(journal_of(temp)).back().seq, stored_before + 1);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(kill_9_leaves_everything_that_was_called_stored),
      cmocka_unit_test(a_file_that_is_no_database_is_set_aside),
      cmocka_unit_test(a_foreign_database_and_what_is_no_file_are_set_aside),
      cmocka_unit_test(damage_found_while_writing_is_set_aside_and_nothing_is_lost),
      cmocka_unit_test(only_the_newest_damaged_files_are_kept),
      cmocka_unit_test(a_newer_schema_is_refused_and_left_alone),
      cmocka_unit_test(reading_says_what_is_wrong),
      cmocka_unit_test(a_journal_may_go_in_the_middle_of_anything),
      cmocka_unit_test(a_file_taken_away_while_writing_is_noticed),
      cmocka_unit_test(a_lock_held_by_somebody_is_waited_out),
      cmocka_unit_test(a_write_that_fails_is_made_good_later_and_the_rest_is_counted),
      cmocka_unit_test(a_full_file_system_is_survived),
      cmocka_unit_test(a_folder_that_is_missing_is_waited_for),
      cmocka_unit_test(flushing_gives_up_at_its_deadline),
  };
  return cmocka_run_group_tests_name("store_journal_faults", tests, nullptr, nullptr);
}
