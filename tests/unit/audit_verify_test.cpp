#include <functional>

#include "audit/folder.hpp"
#include "audit_scene.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"

namespace {

// Five files of some lines each: what the table below tampers with.
constexpr int kLines = 60;

audit::Settings small_files(const TempFolder& temp) {
  auto settings = settings_for(temp);
  settings.max_bytes = 3'500;
  settings.keep = 100;
  return settings;
}

// The folder under attack, with its files as lists of lines.
struct Crime {
  explicit Crime(const TempFolder& temp) : folder(temp.path("audit")) {
    const auto files = audit::list_files(folder);
    for (const auto& file : *files) names.push_back(file.name);
  }
  std::string path(std::size_t file) const { return folder + "/" + names[file]; }
  std::size_t last() const { return names.size() - 1; }
  void edit(std::size_t file, const std::function<void(std::vector<std::string>&)>& change) const {
    auto lines = read_lines(path(file));
    assert_true(lines.size() >= 3);
    change(lines);
    write_lines(path(file), lines);
  }
  std::string folder;
  std::vector<std::string> names;
};

// A line that carries on from `before` as a forger would make it, with the right hash.
std::string forged_after(const std::string& before) {
  const auto seq = static_cast<std::uint64_t>((*base::Json::parse(before))["seq"].integer());
  return audit::format_line({base::wall_now(), entry("forged")}, {seq, base::sha256_hex(before)});
}

void set_head(const Crime& crime, std::uint64_t seq, const std::string& hash) {
  auto head = *audit::read_head(crime.folder);
  head.at = {seq, hash};
  assert_true(audit::write_head(crime.folder, head).ok());
}

struct Case {
  const char* what;
  std::function<void(const Crime&)> tamper;
  const char* kinds;
  bool ok = false;
  bool place = true;  // the first finding names a file and a line
};

void flip_in(std::string& line, const char* in, std::size_t at) {
  const auto found = line.find(in);
  assert_true(found != std::string::npos);
  line[found + at] = static_cast<char>(line[found + at] ^ 1);
}

const Case kCases[] = {
    {"nothing", [](const Crime&) {}, "", true},
    {"a byte flipped in a text",
     [](const Crime& c) { c.edit(1, [](auto& l) { flip_in(l[1], "agent.hub", 0); }); }, "changed"},
    {"a byte flipped in the last line of a file",
     [](const Crime& c) { c.edit(1, [](auto& l) { flip_in(l.back(), "agent.hub", 3); }); }, "changed"},
    {"a byte flipped in the first line",
     [](const Crime& c) { c.edit(0, [](auto& l) { flip_in(l[0], "agent.hub", 3); }); }, "changed"},
    {"a byte flipped in the last line of all",
     [](const Crime& c) { c.edit(c.last(), [](auto& l) { flip_in(l.back(), "agent.hub", 3); }); },
     "head_mismatch"},
    {"a byte flipped in a hash",
     [](const Crime& c) {
       c.edit(1, [](auto& l) { l[1][l[1].size() - 3] = l[1][l[1].size() - 3] == 'a' ? 'b' : 'a'; });
     },
     "changed changed"},
    {"a byte flipped in a number",
     [](const Crime& c) { c.edit(1, [](auto& l) { flip_in(l[1], "\"seq\":1", 6); }); }, "changed changed"},
    {"a byte flipped in the JSON", [](const Crime& c) { c.edit(1, [](auto& l) { flip_in(l[1], "{", 0); }); },
     "malformed"},
    {"a byte flipped in the JSON of the last line of all",
     [](const Crime& c) { c.edit(c.last(), [](auto& l) { flip_in(l.back(), "{", 0); }); }, "malformed"},
    {"NUL bytes behind the JSON",
     [](const Crime& c) { c.edit(1, [](auto& l) { l[1] += std::string(3, '\0'); }); }, "malformed"},
    {"a line deleted", [](const Crime& c) { c.edit(1, [](auto& l) { l.erase(l.begin() + 1); }); }, "missing"},
    {"the first line of all deleted", [](const Crime& c) { c.edit(0, [](auto& l) { l.erase(l.begin()); }); },
     "missing", false, false},
    {"two neighbours swapped", [](const Crime& c) { c.edit(1, [](auto& l) { std::swap(l[0], l[1]); }); },
     "reordered"},
    {"the first two lines of all swapped",
     [](const Crime& c) { c.edit(0, [](auto& l) { std::swap(l[0], l[1]); }); }, "reordered"},
    {"the last two lines of all swapped",
     [](const Crime& c) { c.edit(c.last(), [](auto& l) { std::swap(l[l.size() - 2], l[l.size() - 1]); }); },
     "reordered"},
    {"two lines apart swapped", [](const Crime& c) { c.edit(1, [](auto& l) { std::swap(l[0], l[2]); }); },
     "reordered reordered"},
    {"a forged line inserted",
     [](const Crime& c) { c.edit(1, [](auto& l) { l.insert(l.begin() + 2, forged_after(l[1])); }); },
     "inserted"},
    {"a line inserted twice",
     [](const Crime& c) { c.edit(1, [](auto& l) { l.insert(l.begin() + 2, l[1]); }); }, "inserted"},
    {"an older line inserted",
     [](const Crime& c) { c.edit(2, [&](auto& l) { l.insert(l.begin() + 1, read_lines(c.path(0))[1]); }); },
     "inserted"},
    {"an empty line inserted",
     [](const Crime& c) { c.edit(1, [](auto& l) { l.insert(l.begin() + 1, ""); }); }, "malformed"},
    {"a line over 64 KiB inserted",
     [](const Crime& c) { c.edit(1, [](auto& l) { l.insert(l.begin() + 1, std::string(300'000, 'x')); }); },
     "too_long"},
    {"the tail cut by a line", [](const Crime& c) { c.edit(c.last(), [](auto& l) { l.pop_back(); }); },
     "cut"},
    {"the tail cut in the middle of a line",
     [](const Crime& c) {
       const auto text = read_text(c.path(c.last()));
       write_text(c.path(c.last()), text.substr(0, text.size() - 20));
     },
     "torn cut"},
    {"the last newline cut",
     [](const Crime& c) {
       const auto text = read_text(c.path(c.last()));
       write_text(c.path(c.last()), text.substr(0, text.size() - 1));
     },
     "torn cut"},
    {"the current file deleted", [](const Crime& c) { std::filesystem::remove(c.path(c.last())); }, "cut"},
    {"the current file emptied", [](const Crime& c) { write_text(c.path(c.last()), ""); }, "cut"},
    {"a middle file deleted", [](const Crime& c) { std::filesystem::remove(c.path(2)); }, "missing"},
    {"a middle file cut in the middle of a line",
     [](const Crime& c) {
       const auto text = read_text(c.path(1));
       write_text(c.path(1), text.substr(0, text.size() - 20));
     },
     "malformed"},
    {"the oldest file deleted", [](const Crime& c) { std::filesystem::remove(c.path(0)); }, "missing", false,
     false},
    {"a file exchanged for a symbolic link",
     [](const Crime& c) {
       std::filesystem::rename(c.path(1), c.folder + "/elsewhere");
       std::filesystem::create_symlink(c.folder + "/elsewhere", c.path(1));
     },
     "unreadable missing", false, false},
    {"two files' names swapped",
     [](const Crime& c) {
       std::filesystem::rename(c.path(1), c.folder + "/x");
       std::filesystem::rename(c.path(2), c.path(1));
       std::filesystem::rename(c.folder + "/x", c.path(2));
     },
     nullptr},
    {"the head's hash replaced", [](const Crime& c) { set_head(c, kLines, std::string(64, 'a')); },
     "head_mismatch"},
    {"the head's number raised", [](const Crime& c) { set_head(c, kLines + 1, std::string(64, 'a')); },
     "cut"},
    {"the head's number lowered", [](const Crime& c) { set_head(c, 5, std::string(64, 'a')); },
     "head_mismatch head_behind"},
    {"an older head put back",
     [](const Crime& c) { set_head(c, 1, base::sha256_hex(read_lines(c.path(0))[0])); }, "head_behind", true},
    {"the head deleted", [](const Crime& c) { std::filesystem::remove(c.folder + "/head"); }, "head_missing",
     false, false},
    {"the head damaged", [](const Crime& c) { write_text(c.folder + "/head", "{\"seq\":"); }, "head_missing",
     false, false},
    {"everything deleted but the head",
     [](const Crime& c) {
       for (std::size_t i = 0; i < c.names.size(); ++i) std::filesystem::remove(c.path(i));
     },
     "cut", false, false},
    {"half a line behind the head",
     [](const Crime& c) { write_text(c.path(c.last()), read_text(c.path(c.last())) + "{\"time\":\"2026-"); },
     "torn", true},
    {"zeros behind the head, as some file systems leave them",
     [](const Crime& c) {
       write_text(c.path(c.last()), read_text(c.path(c.last())) + std::string(5'000, '\0') + "\nrest\n");
     },
     "torn", true},
    {"whole lines behind the head",
     [](const Crime& c) { c.edit(c.last(), [](auto& l) { l.push_back(forged_after(l.back())); }); },
     "head_behind", true},
    {"a whole line behind the head that does not continue",
     [](const Crime& c) { c.edit(c.last(), [](auto& l) { l.push_back(forged_after(l[0])); }); }, "inserted"},
};

}  // namespace

static void each_kind_of_tampering_is_found_and_named(void**) {
  for (const auto& test : kCases) {
    const TempFolder temp;
    write_log(small_files(temp), kLines);
    const Crime crime(temp);
    assert_true(crime.names.size() >= 4);
    test.tamper(crime);
    const auto report = audit::verify(crime.folder);
    const auto text = std::string(test.what) + ":\n" + audit::to_text(report);
    if (test.kinds != nullptr && kinds(report) != test.kinds) fail_msg("%s", text.c_str());
    if (report.ok != test.ok) fail_msg("ok is wrong, %s", text.c_str());
    if (report.findings.empty() || !test.place || report.findings[0].kind == audit::Kind::head_behind)
      continue;
    if (report.findings[0].file.empty() || report.findings[0].line == 0)
      fail_msg("no place, %s", text.c_str());
  }
}

static void a_finding_names_the_file_and_the_line(void**) {
  const TempFolder temp;
  write_log(small_files(temp), kLines);
  const Crime crime(temp);
  const auto seq =
      static_cast<std::uint64_t>((*base::Json::parse(read_lines(crime.path(2))[1]))["seq"].integer());
  crime.edit(2, [](auto& l) { flip_in(l[1], "agent.hub", 0); });
  const auto report = audit::verify(crime.folder);
  assert_int_equal(report.findings.size(), 1);
  assert_text_equal(report.findings[0].file, crime.names[2]);
  assert_int_equal(report.findings[0].line, 2);
  assert_int_equal(report.findings[0].seq, seq);
}

static void a_head_kept_elsewhere_finds_a_log_that_was_rewritten_whole(void**) {
  const TempFolder temp;
  const auto kept = write_log(small_files(temp), kLines);
  assert_true(audit::verify(temp.path("audit"), kept).ok);
  // A whole log of the same length, consistent in itself, head and all.
  const auto settings = small_files(temp);
  std::filesystem::remove_all(settings.folder);
  {
    Scene forgery(settings);
    forgery.append(kLines, "forged");
    assert_true(forgery.flush().ok());
  }
  assert_true(audit::verify(settings.folder).ok);
  const auto report = audit::verify(settings.folder, kept);
  assert_false(report.ok);
  assert_text_equal(kinds(report), "head_mismatch");
}

static void a_head_kept_elsewhere_may_be_older_but_must_be_there(void**) {
  const TempFolder temp;
  const auto settings = small_files(temp);
  const auto kept = write_log(settings, 10);
  write_log(settings, 50);
  assert_text_equal(kinds(audit::verify(settings.folder, kept)), "");
  assert_text_equal(kinds(audit::verify(settings.folder, audit::Position{10, std::string(64, 'b')})),
                    "head_mismatch");
  assert_text_equal(kinds(audit::verify(settings.folder, audit::Position{61, std::string(64, 'b')})), "cut");
  auto pruned = settings;
  pruned.keep = 1;
  write_log(pruned, 60);
  const auto report = audit::verify(settings.folder, kept);
  assert_false(report.ok);
  assert_text_equal(kinds(report), "starts_later head_mismatch");
}

static void heads_are_written_as_the_log_prints_them(void**) {
  const audit::Position head{17, std::string(64, 'c')};
  assert_true(*audit::parse_position(audit::to_string(head)) == head);
  for (const char* text : {"", "17", "17:", ":cc", "x:", "17:ABC", "-1:0"})
    assert_false(audit::parse_position(text).ok());
}

static void an_empty_log_is_ok_and_no_folder_is_not(void**) {
  const TempFolder temp;
  write_log(settings_for(temp), 0);
  const auto empty = audit::verify(temp.path("audit"));
  assert_true(empty.ok);
  assert_int_equal(empty.lines, 0);
  const auto nowhere = audit::verify(temp.path("nowhere"));
  assert_false(nowhere.ok);
  assert_text_equal(kinds(nowhere), "unreadable");
}

static void findings_are_bounded(void**) {
  const TempFolder temp;
  const auto settings = settings_for(temp);
  write_log(settings, 3);
  auto lines = read_lines(temp.path("audit/audit.jsonl"));
  lines.insert(lines.begin() + 1, 5'000, "rubbish");
  write_lines(temp.path("audit/audit.jsonl"), lines);
  const auto report = audit::verify(settings.folder);
  assert_false(report.ok);
  assert_int_equal(report.findings.size(), 1'000);
  assert_int_equal(report.left_off, 4'000);
}

static void the_report_renders_as_text_and_json(void**) {
  const TempFolder temp;
  write_log(small_files(temp), kLines);
  const Crime crime(temp);
  crime.edit(1, [](auto& l) { l.erase(l.begin() + 1); });
  const auto report = audit::verify(crime.folder);
  const auto text = audit::to_text(report);
  assert_int_equal(text.find("failure: " + crime.names[1] + ":2: missing: line "), 0);
  assert_true(text.find("NOT OK: 59 lines, seq 1 to 60\nhead 60:") != std::string::npos);
  const auto json = audit::to_json(report);
  assert_text_equal(json["schema"].text(), "fairlead.audit_verify/1");
  assert_false(json["ok"].boolean(true));
  assert_int_equal(json["lines"].integer(), 59);
  assert_text_equal(json["findings"].at(0)["kind"].text(), "missing");
  assert_text_equal(json["findings"].at(0)["severity"].text(), "failure");
  assert_int_equal(json["findings"].at(0)["line"].integer(), 2);
}

static void verifying_beside_a_daemon_that_writes_and_rotates_finds_nothing(void**) {
  const TempFolder temp;
  auto settings = small_files(temp);
  settings.max_bytes = 600;  // a new file every other line
  settings.keep = 30;
  Scene scene(settings);
  std::string found;
  int rounds = 0;
  std::unique_ptr<loop::Work> work;
  std::function<void()> again = [&] {
    work = loop::submit<audit::Report>(
        scene.loop, "verify", [folder = settings.folder] { return audit::verify(folder); },
        [&](const audit::Report& report) {
          if (!report.ok) found = audit::to_text(report);
          ++rounds;
          if ((scene.audit->last_seq() > 400 && rounds > 20) || !report.ok) return scene.loop.stop();
          again();
        });
  };
  loop::Timer writing(scene.loop, "test", [&] {
    if (scene.audit->queued() < 9) scene.append(3);
  });
  writing.start_repeating(1ms);
  again();
  scene.loop.run();
  writing.stop();
  work.reset();
  assert_text_equal(found, "");
  assert_true(scene.flush().ok());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_kind_of_tampering_is_found_and_named),
      cmocka_unit_test(a_finding_names_the_file_and_the_line),
      cmocka_unit_test(a_head_kept_elsewhere_finds_a_log_that_was_rewritten_whole),
      cmocka_unit_test(a_head_kept_elsewhere_may_be_older_but_must_be_there),
      cmocka_unit_test(heads_are_written_as_the_log_prints_them),
      cmocka_unit_test(an_empty_log_is_ok_and_no_folder_is_not),
      cmocka_unit_test(findings_are_bounded),
      cmocka_unit_test(the_report_renders_as_text_and_json),
      cmocka_unit_test(verifying_beside_a_daemon_that_writes_and_rotates_finds_nothing),
  };
  return cmocka_run_group_tests_name("audit_verify", tests, nullptr, nullptr);
}
