#include "ssh/channel_opener.hpp"

#include "cmocka.hpp"
#include "protocol/scripted_codec.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using ssh::ChannelOpener;
using ssh::OpenResult;

namespace {

core::Endpoint port(std::uint16_t number) {
  return {"127.0.0.1", number};
}

struct Bench {
  // Answers come in the order of `answers`; when they have run out the server is silent.
  Bench() {
    script->answer = [this](const core::Endpoint* target) -> std::optional<OpenResult> {
      asked.push_back(target ? target->port : 0);
      if (answers.empty()) return std::nullopt;
      const auto answer = answers.front();
      answers.pop_front();
      return answer;
    };
  }
  ChannelOpener::Done note(int number) {
    return [this, number](OpenResult result, ssh::ChannelPtr channel) {
      told.emplace_back(number, result);
      assert_int_equal(channel != nullptr, result == OpenResult::opened);
      kept.push_back(std::move(channel));
    };
  }
  bool advance() {
    const bool moved = opener.advance(codec, &failed);
    return moved;
  }

  test::ScriptPtr script = std::make_shared<test::Script>();
  test::ScriptedCodec codec{script};
  ChannelOpener opener;
  std::deque<OpenResult> answers;
  std::vector<int> asked;  // ports of the codec's open() calls
  std::vector<std::pair<int, OpenResult>> told;
  std::vector<ssh::ChannelPtr> kept;
  bool failed = false;
};
using Told = std::vector<std::pair<int, OpenResult>>;

// A codec whose session is over.
class DeadCodec final : public ssh::Codec {
 public:
  ssh::Step handshake(const std::vector<std::string>&) override { return ssh::Step::failed; }
  ssh::HostKey host_key() const override { return {}; }
  std::string algorithms() const override { return {}; }
  ssh::Step authenticate(const ssh::Credentials&) override { return ssh::Step::failed; }
  ssh::Step listen(const core::Endpoint&, ssh::Listener**) override { return ssh::Step::failed; }
  ssh::ChannelPtr accept(ssh::Listener*) override { return nullptr; }
  ssh::Step open(const core::Endpoint*, ssh::ChannelPtr*, OpenResult*) override { return ssh::Step::failed; }
  ssh::Step drain() override { return ssh::Step::failed; }
  void tidy() override {}
  void keepalive() override {}
  bool ask() override { return false; }
  void disconnect() override {}
};

}  // namespace

static void open_only_queues(void**) {
  Bench bench;
  bench.answers = {OpenResult::opened};
  assert_true(bench.opener.idle());
  const auto id = bench.opener.open(port(1), 10s, bench.note(1));
  assert_int_not_equal(id, 0);
  assert_true(bench.asked.empty() && bench.told.empty());
  assert_false(bench.opener.idle());
  assert_false(bench.opener.under_way(id));
  assert_true(bench.advance());
  assert_true(bench.told == Told({{1, OpenResult::opened}}));
  assert_true(bench.opener.idle());
  assert_false(bench.advance());
}

static void opens_go_one_at_a_time_in_order(void**) {
  Bench bench;
  const auto first = bench.opener.open(port(1), 10s, bench.note(1));
  const auto second = bench.opener.open(std::nullopt, 10s, bench.note(2));
  assert_true(bench.advance());   // the first one's request has gone out
  assert_false(bench.advance());  // nothing new
  assert_true(bench.opener.under_way(first));
  assert_false(bench.opener.under_way(second));
  assert_true(bench.asked == std::vector<int>({1, 1}));
  bench.answers = {OpenResult::refused};
  assert_true(bench.advance());
  assert_true(bench.told == Told({{1, OpenResult::refused}}));
  assert_true(bench.opener.under_way(second));
  bench.answers = {OpenResult::opened};
  assert_true(bench.advance());
  assert_true(bench.told == Told({{1, OpenResult::refused}, {2, OpenResult::opened}}));
  assert_true(bench.asked == std::vector<int>({1, 1, 1, 0, 0}));
}

static void every_result_is_handed_on(void**) {
  Bench bench;
  const std::deque<OpenResult> results = {OpenResult::opened, OpenResult::prohibited,
                                          OpenResult::connect_failed, OpenResult::refused,
                                          OpenResult::timed_out};
  bench.answers = results;
  for (int i = 0; i < 5; ++i) bench.opener.open(port(1), 10s, bench.note(i));
  bench.advance();
  for (int i = 0; i < 5; ++i) {
    const auto index = static_cast<std::size_t>(i);
    assert_true(bench.told[index] == std::make_pair(i, results[index]));
  }
}

// A black-holed target holds the line; who waits behind it is told by its own deadline and never asked for.
static void who_waits_behind_a_silent_target_gives_up_by_its_own_deadline(void**) {
  Bench bench;
  bench.opener.open(port(1), 1h, bench.note(1));
  bench.advance();
  bench.opener.open(port(2), 0ms, bench.note(2));
  bench.opener.open(port(3), 1h, bench.note(3));
  assert_true(bench.advance());
  assert_true(bench.told == Told({{2, OpenResult::never_sent}}));
  bench.answers = {OpenResult::opened, OpenResult::opened};
  bench.advance();
  assert_true(bench.told ==
              Told({{2, OpenResult::never_sent}, {1, OpenResult::opened}, {3, OpenResult::opened}}));
  assert_int_equal(std::count(bench.asked.begin(), bench.asked.end(), 2), 0);
}

static void the_one_under_way_is_told_once_and_its_late_channel_is_closed(void**) {
  Bench bench;
  const auto id = bench.opener.open(port(1), 0ms, bench.note(1));
  bench.opener.open(port(2), 1h, bench.note(2));
  // Its deadline had passed before it began: it is not asked for at all.
  bench.advance();
  assert_true(bench.told == Told({{1, OpenResult::never_sent}}));
  assert_false(bench.opener.under_way(id));

  bench.answers = {OpenResult::opened};
  bench.advance();
  const auto late = bench.opener.open(port(3), 5ms, bench.note(3));
  bench.advance();
  assert_true(bench.opener.under_way(late));
  const auto end = base::steady_now() + 20ms;
  while (base::steady_now() < end) {
  }
  bench.advance();
  assert_true(bench.told.back() == std::make_pair(3, OpenResult::timed_out));
  assert_true(bench.opener.under_way(late));  // the server still owes its answer
  const auto told = bench.told.size();
  bench.answers = {OpenResult::opened};
  bench.advance();
  assert_int_equal(bench.told.size(), told);
  assert_true(bench.script->opened.back().wire->released);
  assert_true(bench.opener.idle());
}

static void a_cancelled_open_under_way_closes_its_channel_later(void**) {
  Bench bench;
  const auto id = bench.opener.open(port(1), 10s, bench.note(1));
  bench.advance();
  bench.opener.cancel(id);
  bench.advance();
  assert_true(bench.opener.under_way(id));  // libssh2 keeps its state: another open now would be taken for it
  bench.answers = {OpenResult::opened};
  bench.advance();
  assert_true(bench.told.empty());
  assert_true(bench.script->opened[0].wire->released);
}

static void a_cancelled_open_that_waits_is_never_asked_for(void**) {
  Bench bench;
  bench.opener.open(port(1), 10s, bench.note(1));
  bench.advance();
  const auto id = bench.opener.open(port(2), 10s, bench.note(2));
  bench.opener.cancel(id);
  bench.opener.cancel(id);
  bench.opener.cancel(4711);
  bench.answers = {OpenResult::opened, OpenResult::opened};
  bench.advance();
  assert_true(bench.told == Told({{1, OpenResult::opened}}));
  assert_int_equal(bench.script->opened.size(), 1);
  assert_true(bench.opener.idle());
}

static void callbacks_may_open_and_cancel(void**) {
  Bench bench;
  bench.answers = {OpenResult::opened, OpenResult::opened, OpenResult::opened};
  ChannelOpener::Id second = 0;
  bench.opener.open(port(1), 10s, [&](OpenResult result, ssh::ChannelPtr channel) {
    bench.note(1)(result, std::move(channel));
    bench.opener.cancel(second);
    bench.opener.open(port(3), 10s, bench.note(3));
  });
  second = bench.opener.open(port(2), 10s, bench.note(2));
  while (!bench.opener.idle()) bench.advance();
  assert_true(bench.told == Told({{1, OpenResult::opened}, {3, OpenResult::opened}}));
}

// The same from the callbacks of a deadline, while the list is being walked.
static void callbacks_of_deadlines_may_open_and_cancel(void**) {
  Bench bench;
  ChannelOpener::Id third = 0;
  bench.opener.open(port(1), 1h, bench.note(1));
  bench.advance();
  bench.opener.open(port(2), 0ms, [&](OpenResult result, ssh::ChannelPtr) {
    assert_int_equal(result, OpenResult::never_sent);
    bench.opener.cancel(third);
    for (std::uint16_t i = 10; i < 60; ++i) bench.opener.open(port(i), 1h, bench.note(i));
  });
  third = bench.opener.open(port(3), 0ms, bench.note(3));
  bench.advance();
  bench.answers.assign(51, OpenResult::connect_failed);
  bench.advance();
  assert_int_equal(bench.told.size(), 51);
  assert_true(bench.told.front() == std::make_pair(1, OpenResult::connect_failed));
  assert_true(bench.told.back() == std::make_pair(59, OpenResult::connect_failed));
}

static void a_session_that_is_over_is_reported_and_calls_nobody(void**) {
  ChannelOpener opener;
  DeadCodec codec;
  bool failed = false, called = false;
  opener.open(port(1), 10s, [&](OpenResult, ssh::ChannelPtr) { called = true; });
  opener.advance(codec, &failed);
  assert_true(failed);
  assert_false(called);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(open_only_queues),
      cmocka_unit_test(opens_go_one_at_a_time_in_order),
      cmocka_unit_test(every_result_is_handed_on),
      cmocka_unit_test(who_waits_behind_a_silent_target_gives_up_by_its_own_deadline),
      cmocka_unit_test(the_one_under_way_is_told_once_and_its_late_channel_is_closed),
      cmocka_unit_test(a_cancelled_open_under_way_closes_its_channel_later),
      cmocka_unit_test(a_cancelled_open_that_waits_is_never_asked_for),
      cmocka_unit_test(callbacks_may_open_and_cancel),
      cmocka_unit_test(callbacks_of_deadlines_may_open_and_cancel),
      cmocka_unit_test(a_session_that_is_over_is_reported_and_calls_nobody),
  };
  return cmocka_run_group_tests_name("ssh_channel_opener", tests, nullptr, nullptr);
}
