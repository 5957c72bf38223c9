#include <sys/stat.h>

#include "audit/folder.hpp"
#include "audit/tail.hpp"
#include "audit_scene.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"

namespace {

std::vector<std::string> events(const std::string& folder) {
  std::vector<std::string> out;
  const auto tailed = audit::tail(folder, 1'000);
  for (const auto& entry : tailed->entries) out.emplace_back(entry["event"].text());
  return out;
}

std::string detail_of(const std::string& folder, std::string_view event) {
  const auto tailed = audit::tail(folder, 1'000);
  for (const auto& entry : tailed->entries)
    if (entry["event"].text() == event) return std::string(entry["detail"].text());
  return {};
}

std::vector<std::string> torn_files(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (file.path().filename().string().starts_with("audit.torn-")) out.push_back(file.path().string());
  return out;
}

void append_text(const std::string& path, const std::string& text) {
  write_text(path, read_text(path) + text);
}

}  // namespace

static void a_torn_tail_is_kept_aside_recorded_and_the_chain_goes_on(void**) {
  const std::string torn_tails[] = {
      R"({"time":"2026-03-01T12:0)",                     // half a line
      std::string(700, '\0'),                            // blocks that never reached the disk
      std::string("broken\n") + std::string(100, '\0'),  // and both
      "{\"time\":\"broken\"}\n",                         // a whole line that is none of ours
  };
  for (const auto& torn : torn_tails) {
    const TempFolder temp;
    const auto settings = settings_for(temp);
    write_log(settings, 5);
    append_text(temp.path("audit/audit.jsonl"), torn);
    assert_text_equal(kinds(audit::verify(settings.folder)), "torn");
    Scene scene(settings);
    assert_true(scene.opened);
    assert_true(scene.was_logged("audit_damaged"));
    scene.append(2);
    assert_true(scene.flush().ok());
    const auto detail = detail_of(settings.folder, "audit_torn_tail");
    assert_int_equal(
        detail.find("bytes=" + std::to_string(torn.size()) + " sha256=" + base::sha256_hex(torn)), 0);
    const auto kept = torn_files(settings.folder);
    assert_int_equal(kept.size(), 1);
    assert_true(read_text(kept[0]) == torn);
    assert_int_equal(scene.audit->last_seq(), 8);
    assert_text_equal(kinds(audit::verify(settings.folder)), "");
  }
}

static void whole_lines_behind_the_head_are_kept(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 3);
  const auto old_head = read_text(temp.path("audit/head"));
  write_log(settings, 4);
  write_text(temp.path("audit/head"), old_head);  // the power went between the lines and the head
  write_log(settings, 1);
  assert_int_equal(events(settings.folder).size(), 8);
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
}

static void lines_that_the_head_names_and_are_gone_stay_visible(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 9);
  auto lines = read_lines(temp.path("audit/audit.jsonl"));
  lines.resize(6);
  write_lines(temp.path("audit/audit.jsonl"), lines);
  assert_text_equal(kinds(audit::verify(settings.folder)), "cut");
  write_log(settings, 3);  // a daemon that starts must not paint over it
  const auto report = audit::verify(settings.folder);
  assert_text_equal(kinds(report), "missing");
  assert_int_equal(report.last_seq, 13);
  assert_true(detail_of(settings.folder, "audit_gap").starts_with("the head says 9:"));
}

static void half_a_line_that_the_head_names_is_cut_off_and_stays_visible(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 9);
  const auto text = read_text(temp.path("audit/audit.jsonl"));
  write_text(temp.path("audit/audit.jsonl"), text.substr(0, text.size() - 9));
  write_log(settings, 1);
  const auto all = events(settings.folder);
  assert_int_equal(all.size(), 11);
  assert_text_equal(all[8], "audit_torn_tail");
  assert_text_equal(all[9], "audit_gap");
  assert_text_equal(kinds(audit::verify(settings.folder)), "missing");
}

static void a_last_line_that_was_changed_stays_visible(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 5);
  auto lines = read_lines(temp.path("audit/audit.jsonl"));
  lines.back().replace(lines.back().find("line 4"), 6, "line 7");
  write_lines(temp.path("audit/audit.jsonl"), lines);
  write_log(settings, 2);
  assert_text_equal(events(settings.folder)[5], "audit_mismatch");
  assert_text_equal(kinds(audit::verify(settings.folder)), "changed");
}

static void damage_before_the_head_is_left_for_verify_to_find(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 9);
  auto lines = read_lines(temp.path("audit/audit.jsonl"));
  lines[4] = "rubbish";
  write_lines(temp.path("audit/audit.jsonl"), lines);
  Scene scene(settings);
  assert_true(scene.was_logged("fairlead audit verify"));
  scene.append(1);
  assert_true(scene.flush().ok());
  assert_text_equal(read_lines(temp.path("audit/audit.jsonl"))[4], "rubbish");
  assert_true(torn_files(settings.folder).empty());
  assert_text_equal(kinds(audit::verify(settings.folder)), "malformed");
}

static void a_lost_head_is_recorded_and_made_anew(void**) {
  for (const bool damaged : {false, true}) {
    const TempFolder temp;
    const auto settings = settings_for(temp);
    write_log(settings, 4);
    std::filesystem::remove(temp.path("audit/head"));
    if (damaged) write_text(temp.path("audit/head"), "rubbish");
    write_log(settings, 1);
    assert_text_equal(detail_of(settings.folder, "audit_head_lost"),
                      damaged ? "the head file was damaged" : "the head file was missing");
    assert_text_equal(kinds(audit::verify(settings.folder)), "");
  }
}

static void without_a_head_only_what_nothing_readable_follows_is_torn(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 6);
  std::filesystem::remove(temp.path("audit/head"));
  auto lines = read_lines(temp.path("audit/audit.jsonl"));
  lines[2] = "rubbish";
  write_lines(temp.path("audit/audit.jsonl"), lines);
  append_text(temp.path("audit/audit.jsonl"), "rubbish\nhalf a li");
  write_log(settings, 0);
  const auto kept = torn_files(settings.folder);
  assert_int_equal(kept.size(), 1);
  assert_text_equal(read_text(kept[0]), "rubbish\nhalf a li");
  assert_text_equal(read_lines(temp.path("audit/audit.jsonl"))[5], lines[5]);
}

static void a_crash_in_the_middle_of_a_rotation_does_no_harm(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 4);
  std::filesystem::rename(temp.path("audit/audit.jsonl"), temp.path("audit/audit-000000000001.jsonl"));
  write_text(temp.path("audit/head.123.tmp"), "half");
  write_log(settings, 4);
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
  assert_int_equal(read_lines(temp.path("audit/audit.jsonl")).size(), 4);
  assert_false(base::exists(temp.path("audit/head.123.tmp")));
}

static void a_large_log_is_opened_by_its_end(void**) {
  const TempFolder temp;
  auto settings = settings_for(temp);
  for (int i = 0; i < 3; ++i) write_log(settings, 2'000);
  assert_true(std::filesystem::file_size(temp.path("audit/audit.jsonl")) > 1'000'000);
  append_text(temp.path("audit/audit.jsonl"),
              std::string(400'000, '\0'));  // longer than what is looked at first
  write_log(settings, 1);
  assert_text_equal(kinds(audit::verify(settings.folder)), "");
  assert_int_equal(audit::verify(settings.folder).last_seq, 6'002);
}

static void only_so_many_torn_tails_are_kept(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 1);
  for (int i = 10; i < 30; ++i) write_text(temp.path("audit/audit.torn-2026-01-" + std::to_string(i)), "x");
  write_log(settings, 1);
  const auto kept = torn_files(settings.folder);
  assert_int_equal(kept.size(), 10);
  assert_true(base::exists(temp.path("audit/audit.torn-2026-01-29")));
}

static void a_symbolic_link_or_a_pipe_in_the_files_place_is_refused(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 1);
  const auto file = temp.path("audit/audit.jsonl");
  std::filesystem::rename(file, temp.path("elsewhere"));
  std::filesystem::create_symlink(temp.path("elsewhere"), file);
  assert_false(Scene(settings).opened);
  std::filesystem::remove(file);
  assert_int_equal(::mkfifo(file.c_str(), 0600), 0);
  assert_false(Scene(settings).opened);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_torn_tail_is_kept_aside_recorded_and_the_chain_goes_on),
      cmocka_unit_test(whole_lines_behind_the_head_are_kept),
      cmocka_unit_test(lines_that_the_head_names_and_are_gone_stay_visible),
      cmocka_unit_test(half_a_line_that_the_head_names_is_cut_off_and_stays_visible),
      cmocka_unit_test(a_last_line_that_was_changed_stays_visible),
      cmocka_unit_test(damage_before_the_head_is_left_for_verify_to_find),
      cmocka_unit_test(a_lost_head_is_recorded_and_made_anew),
      cmocka_unit_test(without_a_head_only_what_nothing_readable_follows_is_torn),
      cmocka_unit_test(a_crash_in_the_middle_of_a_rotation_does_no_harm),
      cmocka_unit_test(a_large_log_is_opened_by_its_end),
      cmocka_unit_test(only_so_many_torn_tails_are_kept),
      cmocka_unit_test(a_symbolic_link_or_a_pipe_in_the_files_place_is_refused),
  };
  return cmocka_run_group_tests_name("audit_recovery", tests, nullptr, nullptr);
}
