#include "host/live_output.hpp"

#include <string>

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using host::LiveOutput;

namespace {

constexpr base::BootTime kStart{1'000'000ms};

std::string joined(const std::vector<core::ChildPiece>& pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece.bytes;
  return text;
}

}  // namespace

static void the_first_piece_goes_at_once_and_the_next_ones_together(void**) {
  LiveOutput live;
  assert_false(live.due().has_value());
  live.add(0, "one", kStart);
  assert_true(*live.due() <= kStart);
  assert_text_equal(joined(live.take(kStart)), "one");
  assert_false(live.due().has_value());
  live.add(0, "two", kStart + 1ms);
  live.add(0, "three", kStart + 2ms);
  assert_true(*live.due() == kStart + LiveOutput::kBetween);
  const auto pieces = live.take(kStart + LiveOutput::kBetween);
  assert_int_equal(pieces.size(), 1);
  assert_text_equal(pieces[0].bytes, "twothree");
  assert_false(pieces[0].cut);
}

static void streams_are_told_apart(void**) {
  LiveOutput live;
  live.add(1, "err", kStart);
  live.add(0, "out", kStart);
  const auto pieces = live.take(kStart);
  assert_int_equal(pieces.size(), 2);
  assert_true(!pieces[0].is_err && pieces[0].bytes == "out");
  assert_true(pieces[1].is_err && pieces[1].bytes == "err");
}

static void a_flood_is_cut_and_the_cut_is_marked_once(void**) {
  LiveOutput live;
  const std::string flood(LiveOutput::kPerSecond + 10, 'x');
  live.add(0, flood, kStart);
  const auto first = live.take(kStart);
  assert_int_equal(first.size(), 1);
  assert_int_equal(first[0].bytes.size(), LiveOutput::kPerSecond);
  assert_true(first[0].cut);
  live.add(0, flood, kStart);  // nothing of it has room, and that is known
  assert_false(live.due().has_value());
}

static void what_was_quiet_long_enough_is_heard_again(void**) {
  LiveOutput live;
  live.add(0, std::string(LiveOutput::kPerSecond + 1, 'x'), kStart);
  live.take(kStart);
  live.add(0, "later", kStart + 1s);
  const auto pieces = live.take(kStart + 1s);
  assert_text_equal(joined(pieces), "later");
  assert_false(pieces[0].cut);
  live.add(0, std::string(2 * LiveOutput::kPerSecond, 'x'), kStart + 1s);
  assert_true(live.take(kStart + 2s)[0].cut);  // a gap of its own
}

static void no_more_than_so_much_in_all(void**) {
  LiveOutput live;
  std::size_t seen = 0, cuts = 0;
  for (int second = 0; second < 100; ++second) {
    const auto now = kStart + second * 1s;
    live.add(second % 2, std::string(LiveOutput::kPerSecond, 'x'), now);
    for (const auto& piece : live.take(now)) {
      seen += piece.bytes.size();
      cuts += piece.cut ? 1 : 0;
    }
  }
  assert_int_equal(seen, LiveOutput::kInAll);
  assert_int_equal(cuts, 2);  // the end of each stream
}

// What is kept waiting is as bounded as what is passed on.
static void what_nobody_takes_is_bounded(void**) {
  LiveOutput live;
  for (int i = 0; i < 10'000; ++i) live.add(i % 2, std::string(4096, 'x'), kStart + i * 1s);
  const auto pieces = live.take(kStart);
  assert_int_equal(joined(pieces).size(), LiveOutput::kInAll);
}

static void a_clock_that_stands_still_or_goes_back_gives_no_more(void**) {
  LiveOutput live;
  std::size_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    live.add(0, std::string(LiveOutput::kPerSecond, 'x'), kStart - i * 1s);
    seen += joined(live.take(kStart)).size();
  }
  assert_int_equal(seen, LiveOutput::kPerSecond);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_piece_goes_at_once_and_the_next_ones_together),
      cmocka_unit_test(streams_are_told_apart),
      cmocka_unit_test(a_flood_is_cut_and_the_cut_is_marked_once),
      cmocka_unit_test(what_was_quiet_long_enough_is_heard_again),
      cmocka_unit_test(no_more_than_so_much_in_all),
      cmocka_unit_test(what_nobody_takes_is_bounded),
      cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_no_more),
  };
  return cmocka_run_group_tests_name("host_live_output", tests, nullptr, nullptr);
}
