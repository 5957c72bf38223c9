#include "cli/log_text.hpp"
#include "cmocka.hpp"

using namespace fairlead;

static std::string rendered(std::string_view text, bool color = false) {
  const auto line = base::Json::parse(text);
  assert_true(line.ok());
  return cli::render_log_line(line->view(), color);
}

static void a_line_reads_from_when_to_what(void**) {
  assert_text_equal(
      rendered(R"({"id":7,"time":"2026-03-01T12:00:00.123Z","level":"warn","event":"tunnel_lost",
                                 "tunnel":"hub","why":"keepalive lost","attempts":3})"),
      "2026-03-01T12:00:00.123Z warn  tunnel_lost tunnel=hub why=\"keepalive lost\" attempts=3");
}

static void colour_follows_the_level(void**) {
  assert_text_equal(rendered(R"({"time":"t","level":"error","event":"e"})", true),
                    "\x1b[2mt\x1b[0m \x1b[31merror\x1b[0m \x1b[1me\x1b[0m");
}

static void values_stay_on_their_line_and_keep_their_bounds(void**) {
  assert_text_equal(
      rendered(R"({"time":"t","level":"info","event":"e","a":"x\ny","b":"say \"hi\"","c":"","d":"k=v"})"),
      "t info  e a=\"x\\\\x0ay\" b=\"say \\\"hi\\\"\" c=\"\" d=\"k=v\"");
  assert_text_equal(rendered(R"({"time":"\u001b","level":"\u001b[","event":"\u001b]","k\u001b":"\u001b"})"),
                    "\\x1b \\x1b[ \\x1b] k\\x1b=\"\\\\x1b\"");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_line_reads_from_when_to_what),
      cmocka_unit_test(colour_follows_the_level),
      cmocka_unit_test(values_stay_on_their_line_and_keep_their_bounds),
  };
  return cmocka_run_group_tests_name("cli_log_text", tests, nullptr, nullptr);
}
