#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "audit/tail.hpp"
#include "audit_scene.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "file_size_limit.hpp"

static void a_line_holds_every_field_and_the_hash_of_the_line_before(void**) {
  const TempFolder temp;
  write_log(settings_for(temp), 2);
  const auto lines = read_lines(temp.path("audit/audit.jsonl"));
  assert_int_equal(lines.size(), 2);
  const auto second = base::Json::parse(lines[1]);
  assert_true(second.ok());
  for (const char* key : {"time", "tunnel", "actor", "actor_class", "event", "detail", "prev"})
    assert_true((*second)[key].is_string());
  assert_int_equal((*second)["seq"].integer(), 2);
  assert_text_equal((*second)["tunnel"].text(), "attic");
  assert_text_equal((*second)["prev"].text(), base::sha256_hex(lines[0]));
  assert_text_equal((*base::Json::parse(lines[0]))["prev"].text(), std::string(64, '0'));
}

static void the_chain_holds_across_rotation_and_reopening(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 4'000;
  settings.keep = 1'000;
  for (int life = 0; life < 5; ++life) write_log(settings, 50);
  const auto report = audit::verify(settings.folder);
  assert_text_equal(kinds(report), "");
  assert_true(report.ok);
  assert_int_equal(report.lines, 250);
  assert_int_equal(report.last_seq, 250);
  assert_true(base::exists(temp.path("audit/audit-000000000001.jsonl")));
}

static void rotation_keeps_so_many_files_and_verify_says_where_the_log_starts(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 4'000;
  settings.keep = 3;
  write_log(settings, 300);
  const auto files = audit::list_files(settings.folder);
  assert_int_equal(files->size(), 4);
  const auto report = audit::verify(settings.folder);
  assert_true(report.ok);
  assert_text_equal(kinds(report), "starts_later");
  assert_int_equal(report.first_seq, files->front().first_seq);
  assert_true(report.first_seq > 1);
  for (const auto& file : *files)
    assert_true(std::filesystem::file_size(temp.path("audit/" + file.name)) <= settings.max_bytes);
}

static void hostile_text_stays_one_line_of_valid_json(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  const std::string hostile[] = {"two\nlines\r\n",
                                 "\"},{\"seq\":9",
                                 "back\\slash",
                                 "\x1b[2Jcleared",
                                 "\xff\xfe not UTF-8",
                                 std::string("nul\0byte", 8),
                                 "\xc2\x9b[31m",
                                 std::string(1'000'000, 'x'),
                                 "{\"event\":\"forged\"}\n"};
  {
    Scene scene(settings);
    for (const auto& text : hostile) scene.audit->append({text, text, text, text, text});
    assert_true(scene.flush().ok());
  }
  const auto lines = read_lines(temp.path("audit/audit.jsonl"));
  assert_int_equal(lines.size(), std::size(hostile));
  for (const auto& line : lines) {
    assert_true(line.size() < 8'192);
    assert_true(std::all_of(line.begin(), line.end(), [](char c) { return (c & 0xE0) != 0 && c != 0x7F; }));
    assert_true(base::Json::parse(line).ok());
  }
  assert_text_equal((*base::Json::parse(lines[1]))["detail"].text(), "\"},{\"seq\":9");
  assert_true(audit::verify(settings.folder).ok);
}

static void files_are_private_and_the_head_on_disk_is_the_one_told(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  const auto head = write_log(settings, 3);
  struct stat facts{};
  for (const char* name : {"audit/audit.jsonl", "audit/head"}) {
    assert_int_equal(::stat(temp.path(name).c_str(), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
  }
  assert_int_equal(::stat(settings.folder.c_str(), &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0700);
  assert_true(audit::read_head(settings.folder)->at == head);
  assert_text_equal(head.hash, base::sha256_hex(read_lines(temp.path("audit/audit.jsonl")).back()));
}

static void the_head_is_logged_at_rotation_and_by_the_clock(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 4'000;
  settings.head_interval = 5ms;
  Scene scene(settings);
  scene.append(30);
  assert_true(scene.flush().ok());
  assert_false(scene.was_logged("event=audit_head seq=0 "));  // nothing to keep yet
  assert_true(scene.was_logged("rotated_to=audit-000000000001.jsonl"));
  const auto by_clock = "event=audit_head seq=30 hash=" + scene.audit->head_hash();
  loop::Timer soon(scene.loop, "test", [&] {
    if (scene.was_logged(by_clock)) scene.loop.stop();
  });
  soon.start_repeating(1ms);
  scene.loop.run();
}

static void appending_never_writes_by_itself_and_lines_are_batched(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  scene.append(1'000);
  assert_int_equal(scene.audit->queued(), 1'000);
  assert_int_equal(scene.audit->last_seq(), 0);
  assert_true(read_text(temp.path("audit/audit.jsonl")).empty());
  const auto turns = scene.loop.turns();
  assert_true(scene.flush().ok());
  assert_int_equal(scene.audit->last_seq(), 1'000);
  assert_true(scene.loop.turns() - turns < 100);  // one write, not a thousand
}

static void a_write_that_fails_leaves_no_half_line_and_is_made_good_later(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  Scene scene(settings);
  scene.append(3);
  assert_true(scene.flush().ok());
  const auto good = read_text(temp.path("audit/audit.jsonl"));
  {
    const FileSizeLimit limit(good.size() + 300);  // a line and a half
    scene.append(5, "while full");
    const auto flushed = scene.flush();
    assert_false(flushed.ok());
    assert_non_null(strstr(flushed.error().message.c_str(), "audit.jsonl"));
    assert_false(scene.audit->error().empty());
    assert_int_equal(scene.audit->queued(), 5);
    assert_int_equal(scene.audit->last_seq(), 3);
    assert_text_equal(read_text(temp.path("audit/audit.jsonl")), good);
  }
  assert_true(scene.was_logged("audit_write_failed"));
  assert_true(scene.flush().ok());
  assert_true(scene.audit->error().empty());
  assert_true(scene.was_logged("audit_write_recovered"));
  assert_int_equal(scene.audit->last_seq(), 8);
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
}

static void a_failed_write_is_retried_by_itself(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  auto limit = std::make_unique<FileSizeLimit>(10);
  scene.append(2);
  loop::Timer watch(scene.loop, "test", [&] {
    if (!scene.audit->error().empty()) limit.reset();
    if (scene.audit->last_seq() == 2) scene.loop.stop();
  });
  watch.start_repeating(2ms);
  scene.loop.run();
  assert_true(scene.audit->error().empty());
}

static void what_does_not_fit_the_queue_is_counted_in_a_line(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_queued = 10;
  Scene scene(settings);
  {
    const FileSizeLimit limit(10);
    scene.append(17);
    assert_false(scene.flush().ok());
  }
  assert_true(scene.flush().ok());
  const auto tailed = audit::tail(settings.folder, 100);
  assert_int_equal(tailed->entries.size(), 11);
  assert_text_equal(tailed->entries.back()["event"].text(), "audit_dropped");
  assert_int_equal(tailed->entries.back()["detail"].text().find("count=7 since="), 0);
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
}

static void a_full_file_system_is_survived(void**) {
  const TempFolder temp;
  if (::geteuid() != 0 || ::mount("tmpfs", temp.path().c_str(), "tmpfs", 0, "size=1m") != 0) skip();
  auto settings = settings_for(temp);
  {
    Scene scene(settings);
    for (int i = 0; i < 20 && scene.audit->error().empty(); ++i) {
      scene.append(200, std::string(700, 'x'));
      [[maybe_unused]] const auto flushed = scene.flush();
    }
    assert_non_null(strstr(scene.audit->error().c_str(), "No space left"));
    assert_true(audit::verify(settings.folder).ok);
    const rlim_t more = 8u << 20;
    assert_int_equal(
        ::mount("tmpfs", temp.path().c_str(), "tmpfs", MS_REMOUNT, ("size=" + std::to_string(more)).c_str()),
        0);
    assert_true(scene.flush().ok());
    assert_int_equal(scene.audit->queued(), 0);
  }
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
  assert_int_equal(::umount2(temp.path().c_str(), MNT_DETACH), 0);
}

static void the_log_may_start_broken_and_mends_itself(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_text(settings.folder, "a file in the folder's place");
  Scene scene(settings);
  assert_false(scene.opened);
  assert_false(scene.audit->error().empty());
  scene.append(4);
  std::filesystem::remove(settings.folder);
  assert_true(scene.flush().ok());
  assert_int_equal(scene.audit->last_seq(), 4);
}

static void a_file_taken_away_while_writing_is_noticed_and_shows(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  Scene scene(settings);
  scene.append(5);
  assert_true(scene.flush().ok());
  std::filesystem::remove(temp.path("audit/audit.jsonl"));
  scene.append(1);
  assert_true(scene.flush().ok());
  assert_int_equal(scene.audit->last_seq(), 7);  // a line about the gap came first
  assert_text_equal(audit::tail(settings.folder, 2)->entries.front()["event"].text(), "audit_gap");
  const auto report = audit::verify(settings.folder);
  assert_false(report.ok);
  assert_text_equal(kinds(report), "missing");
}

static void flushing_gives_up_at_its_deadline(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  std::vector<std::unique_ptr<loop::Work>> busy;  // the whole thread pool sleeps
  busy.reserve(8);
  for (int i = 0; i < 8; ++i)
    busy.push_back(std::make_unique<loop::Work>(scene.loop, "busy", [] { ::usleep(300'000); }, [] {}));
  scene.append(1);
  const auto flushed = scene.flush(1ms);
  assert_false(flushed.ok());
  assert_int_equal(flushed.error().code, base::Code::timed_out);
  assert_true(scene.flush().ok());
}

static void tail_reads_across_files_and_by_tunnel(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 2'000;
  settings.keep = 100;
  {
    Scene scene(settings);
    for (int i = 0; i < 60; ++i)
      scene.audit->append(entry(std::to_string(i), i % 20 == 0 ? "cellar" : "attic"));
    assert_true(scene.flush().ok());
  }
  const auto last = audit::tail(settings.folder, 25);
  assert_int_equal(last->entries.size(), 25);
  assert_int_equal(last->entries.front()["seq"].integer(), 36);
  assert_int_equal(last->entries.back()["seq"].integer(), 60);
  const auto cellar = audit::tail(settings.folder, 2, "cellar");
  assert_int_equal(cellar->entries.size(), 2);
  assert_text_equal(cellar->entries[0]["detail"].text(), "20");
  assert_text_equal(cellar->entries[1]["detail"].text(), "40");
  assert_int_equal(audit::tail(temp.path("nowhere"), 5).error().code, base::Code::not_found);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_line_holds_every_field_and_the_hash_of_the_line_before),
      cmocka_unit_test(the_chain_holds_across_rotation_and_reopening),
      cmocka_unit_test(rotation_keeps_so_many_files_and_verify_says_where_the_log_starts),
      cmocka_unit_test(hostile_text_stays_one_line_of_valid_json),
      cmocka_unit_test(files_are_private_and_the_head_on_disk_is_the_one_told),
      cmocka_unit_test(the_head_is_logged_at_rotation_and_by_the_clock),
      cmocka_unit_test(appending_never_writes_by_itself_and_lines_are_batched),
      cmocka_unit_test(a_write_that_fails_leaves_no_half_line_and_is_made_good_later),
      cmocka_unit_test(a_failed_write_is_retried_by_itself),
      cmocka_unit_test(what_does_not_fit_the_queue_is_counted_in_a_line),
      cmocka_unit_test(a_full_file_system_is_survived),
      cmocka_unit_test(the_log_may_start_broken_and_mends_itself),
      cmocka_unit_test(a_file_taken_away_while_writing_is_noticed_and_shows),
      cmocka_unit_test(flushing_gives_up_at_its_deadline),
      cmocka_unit_test(tail_reads_across_files_and_by_tunnel),
  };
  return cmocka_run_group_tests_name("audit_log", tests, nullptr, nullptr);
}
