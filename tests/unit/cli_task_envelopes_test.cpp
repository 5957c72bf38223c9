// Envelopes from the command line, and from files: what comes out is what the daemon accepts.
#include "cli/task_envelopes.hpp"

#include <sstream>

#include "cmocka.hpp"
#include "core/task_envelope.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using cli::EnvelopeOptions;
using namespace std::chrono_literals;

namespace {

constexpr base::WallTime kNoon{1772366400s};  // 2026-03-01T12:00:00Z

base::Result<base::Json> made(const EnvelopeOptions& options, const std::string& input = {}) {
  std::istringstream stream(input);
  return cli::make_envelope(options, stream, kNoon);
}
std::string text(const EnvelopeOptions& options, const std::string& input = {}) {
  const auto envelope = made(options, input);
  if (!envelope) fail_msg("%s", envelope.error().text().c_str());
  if (auto parsed = core::parse_envelope(envelope->view()); !parsed)
    fail_msg("%s", parsed.error().text().c_str());
  return envelope->dump();
}
std::string refusal(const EnvelopeOptions& options, const std::string& input = {}) {
  const auto envelope = made(options, input);
  assert_false(envelope.ok());
  return envelope.error().text();
}
EnvelopeOptions of_kind(const char* kind) {
  EnvelopeOptions options;
  options.kind = kind;
  return options;
}

}  // namespace

static void only_what_was_said_is_in_it(void**) {
  assert_text_equal(text(of_kind("noop")), R"({"version":1,"kind":"noop"})");
}

static void every_option_has_its_field(void**) {
  auto options = of_kind("prune");
  options.payload = R"({"days": 30})";
  options.capability = "disk";
  options.site = "attic";
  options.locks = {"node:nas", "site:attic"};
  options.priority = "5";
  options.in = "10m";
  options.timeout = "90s";
  options.max_attempts = "1";
  options.key = "prune-3";
  options.after = {"7", "8"};
  options.on_lease_loss = "continue";
  assert_text_equal(text(options),
                    R"({"version":1,"kind":"prune","payload":{"days":30},"capability":"disk","site":"attic",)"
                    R"("run_at":"2026-03-01T12:10:00.000Z","timeout":"90s","idempotency_key":"prune-3",)"
                    R"("on_lease_loss":"continue","priority":5,"max_attempts":1,)"
                    R"("locks":["node:nas","site:attic"],"depends_on":[7,8]})");
  options.in.clear();
  options.site.clear();
  options.at = "2026-03-02T00:00:00+01:00";
  options.node = "nas";
  const auto other = made(options);
  assert_text_equal((*other)["run_at"].text(), "2026-03-02T00:00:00+01:00");
  assert_text_equal((*other)["node"].text(), "nas");
}

// Not refused here: the daemon says which field is wrong, and why.
static void what_is_no_number_reaches_the_daemon_as_it_is(void**) {
  auto options = of_kind("noop");
  options.priority = "high";
  const auto envelope = made(options);
  assert_text_equal((*envelope)["priority"].text(), "high");
}

static void words_after_script_are_its_payload(void**) {
  auto options = of_kind("script");
  options.words = {"backup", "-v", "/srv with blank"};
  assert_text_equal((*made(options))["payload"].dump(),
                    R"({"program":"backup","args":["-v","/srv with blank"]})");
  options.payload = "{}";
  assert_text_equal(refusal(options), "the words after `script` are its payload: leave --payload out");
  options = of_kind("run_bash");
  options.words = {"df -h"};
  assert_text_equal((*made(options))["payload"].dump(), R"({"text":"df -h"})");
  options = of_kind("noop");
  options.words = {"now"};
  assert_text_equal(refusal(options), "`noop` takes no words after it: give its payload with --payload");
}

static void payloads_come_from_the_line_a_file_or_standard_input(void**) {
  TempFolder folder;
  const auto path = folder.put("payload.json", "[1,\n2]\n");
  auto options = of_kind("noop");
  options.payload = "@" + path;
  assert_text_equal((*made(options))["payload"].dump(), "[1,2]");
  options.payload = "-";
  assert_text_equal((*made(options, "\"hello\""))["payload"].dump(), "\"hello\"");
  assert_text_equal(refusal(options, "hello").substr(0, 16), "standard input: ");
  options.payload = "hello";
  const auto told = refusal(options);
  assert_true(told.find("--payload: not valid JSON") == 0 && told.find("'\"text\"'") != std::string::npos);
  options.payload = "@" + path + "x";
  assert_true(refusal(options).find(path + "x") != std::string::npos);
}

static void files_hold_one_an_array_or_lines(void**) {
  const auto count = [](const char* content) { return cli::read_envelopes(content, "f")->size(); };
  assert_int_equal(count("{\"kind\":\n\"noop\"}\n"), 1);
  assert_int_equal(count("[{},{},{}]"), 3);
  assert_int_equal(count("{}\n\n{\"a\":1}\r\n{}"), 3);
  const auto told = [](const char* content) {
    return cli::read_envelopes(content, "f.jsonl").error().text();
  };
  assert_true(told("{}\n{\"a\":}\n").find("f.jsonl:2: not valid JSON") == 0);
  assert_text_equal(told("{}\n\n[]\n"), "f.jsonl:3: is no envelope: a JSON object is");
  assert_text_equal(told("[]"), "f.jsonl: holds no envelopes");
  assert_text_equal(told("7"), "f.jsonl: holds no envelopes");
  assert_true(told("").find("f.jsonl: not valid JSON") == 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_what_was_said_is_in_it),
      cmocka_unit_test(every_option_has_its_field),
      cmocka_unit_test(what_is_no_number_reaches_the_daemon_as_it_is),
      cmocka_unit_test(words_after_script_are_its_payload),
      cmocka_unit_test(payloads_come_from_the_line_a_file_or_standard_input),
      cmocka_unit_test(files_hold_one_an_array_or_lines),
  };
  return cmocka_run_group_tests_name("cli_task_envelopes", tests, nullptr, nullptr);
}
