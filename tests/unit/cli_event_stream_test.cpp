#include <vector>

#include "cli/event_stream.hpp"
#include "cmocka.hpp"

using fairlead::cli::EventStream;
using fairlead::cli::StreamEvent;

static std::string taken(std::string_view bytes, std::size_t piece) {
  std::string text;
  EventStream stream(
      [&](const StreamEvent& event) { text += "[" + event.id + "|" + event.type + "|" + event.data + "]"; });
  for (std::size_t at = 0; at < bytes.size(); at += piece) assert_true(stream.feed(bytes.substr(at, piece)));
  return text;
}

static void events_come_out_whole_however_the_bytes_are_cut(void**) {
  constexpr std::string_view kBytes =
      ": hello\n\nid: 7\nevent: log\ndata: {\"a\":1}\n\n"
      "data:one\r\ndata: two\r\n\r\n"
      "event: x\rdata:  y\r\r"
      ": keep-alive\n\n"
      "id: 9\ndata\n\n";
  constexpr std::string_view kEvents = "[7|log|{\"a\":1}][7|message|one\ntwo][7|x| y][9|message|]";
  for (std::size_t piece = 1; piece <= kBytes.size(); ++piece)
    assert_text_equal(taken(kBytes, piece), kEvents);
}

static void an_event_without_data_is_none(void**) {
  assert_text_equal(taken("event: log\nid: 1\n\ndata: x\n\n", 64), "[1|message|x]");
}

static void an_unfinished_event_is_not_delivered(void**) {
  assert_text_equal(taken("data: x\n", 64), "");
}

static void an_endless_line_is_given_up(void**) {
  EventStream stream([](const StreamEvent&) { fail_msg("no event was sent"); });
  const std::string mebibyte(1u << 20, 'x');
  assert_true(stream.feed(mebibyte));
  assert_false(stream.feed("x"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(events_come_out_whole_however_the_bytes_are_cut),
      cmocka_unit_test(an_event_without_data_is_none),
      cmocka_unit_test(an_unfinished_event_is_not_delivered),
      cmocka_unit_test(an_endless_line_is_given_up),
  };
  return cmocka_run_group_tests_name("cli_event_stream", tests, nullptr, nullptr);
}
