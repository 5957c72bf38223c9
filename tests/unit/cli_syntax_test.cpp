#include <algorithm>
#include <sstream>

#include "cli/commands.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using cli::Exit;

namespace {

struct Outcome {
  std::optional<Exit> exit;
  std::string out, err;
  bool chosen = false;
};

Outcome parse(std::vector<std::string> arguments) {
  cli::CommandLine line("fairlead", "1.2.3", "test", "");
  auto program = line.program();
  std::string socket;
  program.option("--socket", socket, "PATH", "");
  cli::add_tunnel_commands(program);
  cli::add_status_command(program);
  cli::add_logs_command(program);
  cli::add_control_commands(program);
  auto group = program.add("config", "a group");
  group.add("check", "").runs([](cli::Context&) { return Exit::ok; });
  group.add("show", "").runs([](cli::Context&) { return Exit::ok; });
  std::ostringstream out, err;
  const auto parsed = line.parse(std::move(arguments), out, err);
  return {parsed.exit, out.str(), err.str(), parsed.run != nullptr};
}

void assert_accepted(std::vector<std::string> arguments) {
  const auto outcome = parse(std::move(arguments));
  assert_text_equal(outcome.err, "");
  assert_false(outcome.exit.has_value());
  assert_true(outcome.chosen);
}

void assert_refused(std::vector<std::string> arguments, std::string_view message) {
  const auto outcome = parse(std::move(arguments));
  assert_text_equal(outcome.err, std::string(message) + "\n");
  assert_true(outcome.exit == Exit::usage);
}

}  // namespace

static void legal_lines_choose_a_command(void**) {
  const std::vector<std::vector<std::string>> lines = {
      {"up"},
      {"up", "hub", "nas", "--json"},
      {"up", "--wait"},
      {"up", "--wait=2m", "hub"},
      {"up", "hub", "--wait=30", "--require-proof"},
      {"down", "hub"},
      {"restart"},
      {"reconnect", "hub"},
      {"status", "--wide", "--watch=0.5", "hub"},
      {"status", "--watch"},
      {"status", "--names"},
      {"logs", "hub", "--lines=0", "-f"},
      {"logs", "-n", "7", "--json"},
      {"reload", "--json"},
      {"log-level"},
      {"log-level", "debug"},
      {"version"},
      {"config", "check"},
      {"--socket", "/x", "status"},
      {"status", "--socket", "/x"},
      {"config", "check", "--socket", "/x"},
      {"up", "status"},  // a tunnel may be called like a command
      {"up", "--", "--odd"},
  };
  for (const auto& line : lines) assert_accepted(line);
}

static void wait_never_takes_a_tunnel_for_its_time(void**) {
  assert_accepted({"up", "--wait", "hub"});
}

static void a_mistyped_word_is_answered_with_the_one_meant(void**) {
  assert_refused({"statsu"},
                 "fairlead: no such command `statsu`; did you mean `status`?; see: fairlead --help");
  assert_refused({"config", "chekc"},
                 "fairlead: no such command `chekc`; did you mean `check`?; see: fairlead config --help");
  assert_refused({"status", "--jsno"},
                 "fairlead: no such option `--jsno`; did you mean `--json`?; see: fairlead status --help");
  assert_refused({"up", "--wiat=5s"},
                 "fairlead: no such option `--wiat`; did you mean `--wait`?; see: fairlead up --help");
  assert_refused(
      {"status", "--sokcet", "/x"},
      "fairlead: no such option `--sokcet`; did you mean `--socket`?; see: fairlead status --help");
  assert_refused({"frobnicate"}, "fairlead: no such command `frobnicate`; see: fairlead --help");
  assert_refused({"reload", "now"},
                 "fairlead: `fairlead reload` does not take `now`; see: fairlead reload --help");
}

static void what_is_missing_is_named(void**) {
  assert_refused({}, "fairlead: a command is missing after `fairlead`; see: fairlead --help");
  assert_refused({"config"},
                 "fairlead: a command is missing after `fairlead config`; see: fairlead config --help");
}

static void bad_values_are_usage_errors(void**) {
  const std::vector<std::vector<std::string>> lines = {
      {"up", "--wait=soon"},      {"up", "--wait=-5"},         {"up", "--require-proof"},
      {"status", "--watch=x"},    {"logs", "--lines", "many"}, {"logs", "--lines=-1"},
      {"log-level", "loud"},      {"logs", "a", "b"},          {"status", "--names", "--json"},
      {"status", "--json=maybe"},
  };
  for (const auto& line : lines) {
    const auto outcome = parse(line);
    assert_true(outcome.exit == Exit::usage);
    assert_true(outcome.err.rfind("fairlead: ", 0) == 0);
    assert_int_equal(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  }
}

static void with_json_the_error_is_json_too(void**) {
  const auto outcome = parse({"status", "--json", "--wied"});
  const auto document = base::Json::parse(outcome.out);
  assert_true(document.ok());
  assert_text_equal((*document)["error"]["code"].text(), "bad_request");
  assert_text_equal((*document)["error"]["message"].text(),
                    "no such option `--wied`; did you mean `--wide`?; see: fairlead status --help");
}

static void what_was_typed_is_shown_printable(void**) {
  assert_refused({"\x1b[2J"}, "fairlead: no such command `\\x1b[2J`; see: fairlead --help");
}

static void help_is_for_the_command_it_was_asked_of(void**) {
  const auto outcome = parse({"up", "--help"});
  assert_true(outcome.exit == Exit::ok);
  assert_false(outcome.chosen);
  assert_true(outcome.out.find("--wait[=TIMEOUT]") != std::string::npos);
  assert_true(outcome.out.find("Usage: fairlead up ") != std::string::npos);
  assert_true(outcome.out.find("{60s}") == std::string::npos);
  assert_true(outcome.out.find("\n\nThe options of fairlead itself") != std::string::npos);
  assert_true(outcome.out.find("\n\n\n") == std::string::npos);
  assert_true(parse({"--help"}).out.find("status") != std::string::npos);
}

// A group with a command that takes the words of another program.
struct Rest {
  cli::CommandLine line{"fairlead", "1.2.3", "test", "the program's own footer"};
  std::vector<std::string> words, locks;
  std::ostringstream out, err;

  explicit Rest(std::vector<std::string> arguments) {
    auto group = line.program().add("task", "a group");
    bool json = false;
    group.add("add", "adds")
        .arguments("WORD", words, "")
        .rest(words)
        .options("--lock", locks, "L", "")
        .flag("--json", json, "")
        .examples({"fairlead task add x", "fairlead task add y"})
        .runs([](cli::Context&) { return Exit::ok; });
    (void)line.parse(std::move(arguments), out, err);
  }
};

static void what_follows_two_dashes_is_left_alone(void**) {
  using Words = std::vector<std::string>;
  const Rest some({"task", "add", "script", "backup", "--lock", "a:b", "--", "--full", "--", "-v", "task"});
  assert_text_equal(some.err.str(), "");
  assert_true(some.words == (Words{"script", "backup", "--full", "--", "-v", "task"}));
  assert_true(some.locks == Words{"a:b"});
  assert_true(Rest({"task", "add", "--", "-x"}).words == Words{"-x"});
  assert_true(Rest({"task", "add", "x", "--"}).words == Words{"x"});
}

static void an_option_that_repeats_takes_one_value_each_time(void**) {
  const Rest rest({"task", "add", "--lock", "a", "word", "--lock", "b"});
  assert_true(rest.locks == (std::vector<std::string>{"a", "b"}));
  assert_true(rest.words == std::vector<std::string>{"word"});
}

static void examples_stand_under_the_help_of_their_command(void**) {
  const Rest command({"task", "add", "--help"});
  assert_true(command.out.str().find("\nExamples:\n  fairlead task add x\n  fairlead task add y\n\n") !=
              std::string::npos);
  const Rest group({"task", "--help"});
  assert_true(group.out.str().find("Examples") == std::string::npos);
  assert_true(group.out.str().find("footer") == std::string::npos);
}

static void the_version_is_a_flag_too(void**) {
  const auto outcome = parse({"--version"});
  assert_true(outcome.exit == Exit::ok);
  assert_text_equal(outcome.out, "fairlead 1.2.3\n");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(legal_lines_choose_a_command),
      cmocka_unit_test(wait_never_takes_a_tunnel_for_its_time),
      cmocka_unit_test(a_mistyped_word_is_answered_with_the_one_meant),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(bad_values_are_usage_errors),
      cmocka_unit_test(with_json_the_error_is_json_too),
      cmocka_unit_test(what_was_typed_is_shown_printable),
      cmocka_unit_test(what_follows_two_dashes_is_left_alone),
      cmocka_unit_test(an_option_that_repeats_takes_one_value_each_time),
      cmocka_unit_test(examples_stand_under_the_help_of_their_command),
      cmocka_unit_test(the_version_is_a_flag_too),
      cmocka_unit_test(help_is_for_the_command_it_was_asked_of),
  };
  return cmocka_run_group_tests_name("cli_syntax", tests, nullptr, nullptr);
}
