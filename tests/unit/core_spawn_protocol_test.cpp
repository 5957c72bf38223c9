#include "core/spawn_protocol.hpp"

#include <string>

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

// Every byte there is: NUL, control characters, what is not UTF-8.
std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

core::ChildSpec full_spec() {
  core::ChildSpec spec;
  spec.argv = {"/bin/echo", "", "two words", "\"quoted\"\n\t\x01", "\xff\xfe not UTF-8"};
  spec.environment = {{"PATH", "/bin"}, {"EMPTY", ""}, {"EQUALS", "a=b=c"}, {"BYTES", "\x80"}};
  spec.folder = "/tmp";
  spec.input = all_bytes();
  spec.timeout = 1234ms;
  spec.grace = 0ms;
  spec.output_head = 0;
  spec.output_tail = 1u << 20;
  spec.lease_until = base::BootTime(987'654'321'012ms);
  spec.program = "/opt/programs/echo";
  spec.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  spec.input_file = "INPUT";
  spec.private_folder = "TMPDIR";
  spec.private_in = "/var/tmp";
  spec.limits = {60, 1u << 30, 1u << 20, 64, 32};
  spec.sandbox = {core::SandboxKind::strict, false, true, {"/srv/data", "/dev/shm"}, true};
  spec.live_output = true;
  return spec;
}

const char* const kStart =
    R"({"do":"start","id":1,"argv":["/bin/true"],"environment":[],"folder":"/","input":"","timeout_ms":1,)"
    R"("grace_ms":0,"output_head":0,"output_tail":0})";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  assert_true(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void refused(const std::string& line) {
  const auto request = core::decode_request(line);
  if (request) fail_msg("accepted: %s", line.c_str());
  assert_true(request.error().code == base::Code::protocol);
}

}  // namespace

static void a_start_comes_over_as_it_was(void**) {
  const auto line = core::encode(core::StartChild{7, full_spec()});
  assert_true(line.find('\n') == std::string::npos);
  const auto request = core::decode_request(line);
  assert_true(request.ok());
  const auto& start = std::get<core::StartChild>(*request);
  const auto& spec = start.spec;
  const auto wanted = full_spec();
  assert_int_equal(start.id, 7);
  assert_true(spec.argv == wanted.argv);
  assert_true(spec.environment == wanted.environment);
  assert_text_equal(spec.folder, wanted.folder);
  assert_true(spec.input == wanted.input);
  assert_true(spec.timeout == wanted.timeout && spec.grace == wanted.grace);
  assert_int_equal(spec.output_head, wanted.output_head);
  assert_int_equal(spec.output_tail, wanted.output_tail);
  assert_true(spec.lease_until == wanted.lease_until);
  assert_text_equal(spec.program, wanted.program);
  assert_text_equal(spec.sha256, wanted.sha256);
  assert_text_equal(spec.input_file, wanted.input_file);
  assert_text_equal(spec.private_folder, wanted.private_folder);
  assert_text_equal(spec.private_in, wanted.private_in);
  assert_true(spec.limits == wanted.limits);
  assert_true(spec.sandbox == wanted.sandbox);
  assert_true(spec.live_output);
  assert_true(core::check_spec(spec).ok());
}

static void without_a_lease_there_is_none_over_there(void**) {
  auto spec = full_spec();
  spec.lease_until.reset();
  const auto request = core::decode_request(core::encode(core::StartChild{1, spec}));
  assert_false(std::get<core::StartChild>(*request).spec.lease_until.has_value());
}

static void what_a_plain_child_does_without_is_not_sent(void**) {
  core::ChildSpec plain;
  plain.argv = {"/bin/true"};
  const auto line = core::encode(core::StartChild{1, plain});
  for (const char* field :
       {"program", "sha256", "input_file", "private", "limits", "sandbox", "live", "lease"})
    assert_true(line.find(field) == std::string::npos);
  const auto request = core::decode_request(line);
  const auto& spec = std::get<core::StartChild>(*request).spec;
  assert_true(spec.limits == core::ChildLimits{} && spec.sandbox == core::SandboxWish{});
  assert_text_equal(spec.private_in, "/tmp");
  assert_text_equal(spec.path(), "/bin/true");
}

static void the_other_requests_come_over(void**) {
  const auto renew = core::decode_request(core::encode(core::RenewLease{8, base::BootTime(55ms)}));
  assert_int_equal(std::get<core::RenewLease>(*renew).id, 8);
  assert_true(std::get<core::RenewLease>(*renew).until == base::BootTime(55ms));
  const auto end = core::decode_request(core::encode(core::EndChild{9}));
  assert_int_equal(std::get<core::EndChild>(*end).id, 9);
}

static void a_result_comes_over_as_it_was(void**) {
  core::ChildResult result;
  result.status = 3;
  result.duration = 42ms;
  result.out = {all_bytes(), all_bytes(), 100'000'000'000};
  result.err = {"x", "", 1};
  result.level = {true, true, 5, true};
  for (const auto end : {core::ChildEnd::exited, core::ChildEnd::signalled, core::ChildEnd::timed_out,
                         core::ChildEnd::killed}) {
    result.end = end;
    const auto report = core::decode_report(core::encode(core::ChildEnded{5, result}));
    assert_true(report.ok());
    const auto& seen = std::get<core::ChildEnded>(*report);
    assert_int_equal(seen.id, 5);
    assert_true(seen.result.end == end);
    assert_int_equal(seen.result.status, 3);
    assert_true(seen.result.duration == 42ms);
    assert_true(seen.result.out.head == all_bytes() && seen.result.out.tail == all_bytes());
    assert_int_equal(seen.result.out.total, 100'000'000'000);
    assert_text_equal(seen.result.err.head, "x");
    assert_true(seen.result.level == result.level);
  }
}

static void a_piece_of_output_comes_over_as_it_was(void**) {
  for (const bool is_err : {false, true}) {
    const auto report = core::decode_report(core::encode(core::ChildWrote{9, {is_err, all_bytes(), is_err}}));
    assert_true(report.ok());
    const auto& wrote = std::get<core::ChildWrote>(*report);
    assert_int_equal(wrote.id, 9);
    assert_true(wrote.piece.is_err == is_err && wrote.piece.cut == is_err);
    assert_true(wrote.piece.bytes == all_bytes());
  }
}

static void a_level_is_told_in_words(void**) {
  assert_text_equal(core::SandboxLevel{}.text(), "none");
  const core::SandboxLevel all{true, true, 5, true}, some{true, false, 0, false};
  assert_text_equal(all.text(), "no_new_privs, seccomp, landlock 5, no network");
  assert_text_equal(some.text(), "no_new_privs");
  const core::SandboxWish none, strict{core::SandboxKind::strict, false, false, {}, false},
      basic{core::SandboxKind::basic, true, false, {}, false};
  assert_true(core::missing(strict, all).empty());
  assert_true(core::missing(none, {}).empty());
  assert_true(core::missing(basic, some) == std::vector<std::string>{"seccomp"});
  assert_true(core::missing(strict, some) == (std::vector<std::string>{"seccomp", "landlock", "no network"}));
}

static void the_largest_of_each_fits_into_its_line(void**) {
  core::ChildResult result;
  const std::string most(core::kMaxChildOutput, '\xff');
  result.out = result.err = {most, most, 2 * core::kMaxChildOutput};
  assert_true(core::encode(core::ChildEnded{1, result}).size() < core::kMaxSpawnReport);
  auto spec = full_spec();
  spec.input = std::string(core::kMaxChildInput, '\xff');
  spec.argv.push_back(std::string(2u << 20, 'x'));  // ARG_MAX
  spec.sandbox.writable.assign(core::kMaxWritable, "/" + std::string(core::kMaxChildPath - 2, 'x'));
  assert_true(core::check_spec(spec).ok());
  assert_true(core::encode(core::StartChild{1, spec}).size() < core::kMaxSpawnRequest);
}

static void a_failure_comes_over_with_its_code(void**) {
  for (const auto code :
       {base::Code::not_found, base::Code::io, base::Code::bad_request, base::Code::forbidden,
        base::Code::unsupported, base::Code::too_large, base::Code::unavailable}) {
    const auto report = core::decode_report(core::encode(core::ChildFailed{6, {code, "why", {}}}));
    assert_true(report.ok());
    assert_true(std::get<core::ChildFailed>(*report).error.code == code);
    assert_text_equal(std::get<core::ChildFailed>(*report).error.message, "why");
  }
  const auto started = core::decode_report(core::encode(core::ChildStarted{6, 77}));
  assert_int_equal(std::get<core::ChildStarted>(*started).pid, 77);
}

static void what_makes_no_sense_is_refused(void**) {
  assert_true(core::decode_request(kStart).ok());
  for (const char* line :
       {"", "{", "null", "[]", "7", "{}", R"({"do":"start"})", R"({"do":"stop","id":1})", R"({"do":"end"})",
        R"({"do":"end","id":0})", R"({"do":"end","id":-1})", R"({"do":"end","id":1.5})",
        R"({"do":"end","id":"1"})", R"({"do":"end","id":1e300})", R"({"do":"end","id":1,"id":2})",
        R"({"do":"end","id":1,"more":1})", R"({"do":"renew","id":1})",
        R"({"do":"renew","id":1,"lease_until_ms":-1})"})
    refused(line);
  for (const auto& [from, to] : {
           std::pair<const char*, const char*>{R"(["/bin/true"])", R"("/bin/true")"},
           {R"(["/bin/true"])", R"(["/bin/true",1])"},
           {R"("environment":[])", R"("environment":["NAME"])"},
           {R"("environment":[])", R"("environment":{})"},
           {R"("input":"")", R"("input":"***")"},
           {R"("input":"")", R"("input":null)"},
           {R"("timeout_ms":1)", R"("timeout_ms":"1")"},
           {R"("timeout_ms":1)", R"("timeout_ms":-1)"},
           {R"("output_head":0)", R"("output_head":0.5)"},
           {R"(,"output_tail":0)", ""},
           {R"("output_tail":0)", R"("output_tail":0,"shell":true)"},
           {R"("folder":"/")", R"("folder":["/"])"},
           {R"("folder":"/")", R"("folder":"/","sha256":7)"},
           {R"("folder":"/")", R"("folder":"/","live_output":"yes")"},
           {R"("folder":"/")", R"("folder":"/","limits":{"cpu_seconds":1})"},
           {R"("folder":"/")", R"("folder":"/","limits":[])"},
           {R"("folder":"/")",
            R"("folder":"/","sandbox":{"kind":"loose","network":true,"folder_writable":false,)"
            R"("writable":[],"required":false})"},
           {R"("folder":"/")", R"("folder":"/","sandbox":{"kind":"basic"})"},
       })
    refused(with(kStart, from, to));
}

static void reports_are_not_believed_either(void**) {
  for (const char* line :
       {"{}", R"({"child":"born","id":1})", R"({"child":"started","id":1,"pid":0})",
        R"({"child":"failed","id":1,"code":"because","message":""})",
        R"({"child":"output","id":1,"stream":"log","bytes":"","cut":false})",
        R"({"child":"output","id":1,"stream":"out","bytes":"*","cut":false})",
        R"({"child":"failed","id":1,"code":"io"})", R"({"child":"ended","id":1,"end":"exited"})"})
    assert_false(core::decode_report(line).ok());
  core::ChildResult result;
  const auto line = core::encode(core::ChildEnded{1, result});
  assert_true(core::decode_report(line).ok());
  assert_false(core::decode_report(with(line, "exited", "vanished")).ok());
  assert_false(core::decode_report(with(line, R"("status":0)", R"("status":256)")).ok());
  assert_false(core::decode_report(with(line, R"("landlock":0)", R"("landlock":-1)")).ok());
  assert_false(core::decode_report(with(line, R"("seccomp":false)", R"("seccomp":0)")).ok());
  assert_false(core::decode_report(with(line, R"("tail":"")", R"("middle":"")")).ok());
}

static void impossible_wishes_are_named(void**) {
  const struct {
    const char* what;
    void (*spoil)(core::ChildSpec&);
  } cases[] = {
      {"argv", [](core::ChildSpec& spec) { spec.argv.clear(); }},
      {"argv", [](core::ChildSpec& spec) { spec.program.clear(), spec.argv[0] = "echo"; }},
      {"argv", [](core::ChildSpec& spec) { spec.program.clear(), spec.argv[0].clear(); }},
      {"program", [](core::ChildSpec& spec) { spec.program = "echo"; }},
      {"program", [](core::ChildSpec& spec) { spec.program = "/" + std::string(5000, 'x'); }},
      {"sha256", [](core::ChildSpec& spec) { spec.sha256.pop_back(); }},
      {"sha256", [](core::ChildSpec& spec) { spec.sha256[0] = 'E'; }},
      {"input_file", [](core::ChildSpec& spec) { spec.input_file = "A=B"; }},
      {"private_folder", [](core::ChildSpec& spec) { spec.private_folder = "A=B"; }},
      {"TMPDIR twice", [](core::ChildSpec& spec) { spec.input_file = "TMPDIR"; }},
      {"PATH twice", [](core::ChildSpec& spec) { spec.private_folder = "PATH"; }},
      {"private_in", [](core::ChildSpec& spec) { spec.private_in = "tmp"; }},
      {"limit", [](core::ChildSpec& spec) { spec.limits.file_size = ~std::uint64_t{0}; }},
      {"network",
       [](core::ChildSpec& spec) { spec.sandbox = {core::SandboxKind::none, false, false, {}, false}; }},
      {"requires",
       [](core::ChildSpec& spec) { spec.sandbox = {core::SandboxKind::none, true, false, {}, true}; }},
      {"strict", [](core::ChildSpec& spec) { spec.sandbox.kind = core::SandboxKind::basic; }},
      {"writable", [](core::ChildSpec& spec) { spec.sandbox.writable = {"tmp"}; }},
      {"64", [](core::ChildSpec& spec) { spec.sandbox.writable.assign(core::kMaxWritable + 1, "/tmp"); }},
      {"argv", [](core::ChildSpec& spec) { spec.argv[1] = std::string("a\0b", 3); }},
      {"environment", [](core::ChildSpec& spec) { spec.environment[0].first = "A=B"; }},
      {"environment", [](core::ChildSpec& spec) { spec.environment[0].first = ""; }},
      {"environment", [](core::ChildSpec& spec) { spec.environment[0].second = std::string(1, '\0'); }},
      {"folder", [](core::ChildSpec& spec) { spec.folder = "tmp"; }},
      {"input", [](core::ChildSpec& spec) { spec.input.resize(core::kMaxChildInput + 1); }},
      {"timeout", [](core::ChildSpec& spec) { spec.timeout = 0ms; }},
      {"timeout", [](core::ChildSpec& spec) { spec.timeout = core::kMaxChildTimeout + 1ms; }},
      {"grace", [](core::ChildSpec& spec) { spec.grace = -1ms; }},
      {"grace", [](core::ChildSpec& spec) { spec.grace = core::kMaxChildGrace + 1ms; }},
      {"output", [](core::ChildSpec& spec) { spec.output_head = core::kMaxChildOutput + 1; }},
      {"output", [](core::ChildSpec& spec) { spec.output_tail = core::kMaxChildOutput + 1; }},
  };
  for (const auto& [what, spoil] : cases) {
    auto spec = full_spec();
    spoil(spec);
    const auto checked = core::check_spec(spec);
    assert_false(checked.ok());
    assert_true(checked.error().code == base::Code::bad_request);
    if (checked.error().message.find(what) == std::string::npos)
      fail_msg("\"%s\" does not name %s", checked.error().message.c_str(), what);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_start_comes_over_as_it_was),
      cmocka_unit_test(without_a_lease_there_is_none_over_there),
      cmocka_unit_test(what_a_plain_child_does_without_is_not_sent),
      cmocka_unit_test(the_other_requests_come_over),
      cmocka_unit_test(a_result_comes_over_as_it_was),
      cmocka_unit_test(a_piece_of_output_comes_over_as_it_was),
      cmocka_unit_test(a_level_is_told_in_words),
      cmocka_unit_test(the_largest_of_each_fits_into_its_line),
      cmocka_unit_test(a_failure_comes_over_with_its_code),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(reports_are_not_believed_either),
      cmocka_unit_test(impossible_wishes_are_named),
  };
  return cmocka_run_group_tests_name("core_spawn_protocol", tests, nullptr, nullptr);
}
