// One channel and one local socket. The pump is called by hand, so that each step is seen.
#include "ssh/relay.hpp"

#include "cmocka.hpp"
#include "loop/timer.hpp"
#include "protocol/peers.hpp"
#include "protocol/scripted_codec.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using test::Wire;

namespace {

constexpr std::size_t kRoom = 64 << 10;

struct Bench {
  explicit Bench(core::ForwardKind kind = core::ForwardKind::remote, std::string head = {}) {
    auto [ours, theirs] = test::tcp_pair();
    client = std::move(theirs);
    relay = std::make_unique<ssh::Relay>(loop, std::make_unique<test::ScriptedChannel>(wire), std::move(ours),
                                         std::move(head), kind, counters, [this] { ++wakes; });
  }
  ~Bench() {
    relay.reset();
    assert_true(loop.drain(10s).ok());
  }
  // Until nothing moves any more.
  void pump(std::size_t room = kRoom) {
    while (relay->pump(scratch, room)) {
    }
  }
  // As the session does it: what the client has sent becomes readable by an event.
  void client_sends(std::string_view text) {
    test::send_text(client.get(), text);
    ready();
  }
  void ready() {
    const int before = wakes;
    relay->arm(kRoom);
    const auto end = base::steady_now() + 10s;
    loop::Timer limit(loop, "limit", [this] { loop.stop(); });
    limit.start_repeating(1ms);
    while (wakes == before && base::steady_now() < end) loop.run();
    assert_true(wakes > before);
  }
  std::string client_has() {
    std::string text;
    test::read_available(client.get(), text);
    return text;
  }

  loop::Loop loop;
  std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(64 << 10);
  test::WirePtr wire = std::make_shared<Wire>();
  core::ForwardStatus counters;
  base::UniqueFd client;
  int wakes = 0;
  std::unique_ptr<ssh::Relay> relay;
};

std::string numbered(std::size_t length) {
  std::string text;
  for (unsigned i = 0; text.size() < length; ++i) text += std::to_string(i) + " ";
  text.resize(length);
  return text;
}

}  // namespace

static void bytes_cross_both_ways_and_count_by_the_kind_of_forward(void**) {
  for (const auto kind : {core::ForwardKind::remote, core::ForwardKind::local}) {
    Bench bench(kind);
    assert_int_equal(bench.counters.active, 1);
    bench.wire->to_us = "from the server";
    bench.pump();
    test::await_bytes(bench.client.get());
    assert_text_equal(bench.client_has(), "from the server");
    assert_int_equal(bench.counters.proof, core::Proof::none);  // one way only
    bench.client_sends("here");
    bench.pump();
    assert_text_equal(bench.wire->from_us, "here");
    assert_int_equal(bench.counters.proof, core::Proof::traffic);
    const bool remote = kind == core::ForwardKind::remote;
    assert_int_equal(bench.counters.bytes_to_target, remote ? 15 : 4);
    assert_int_equal(bench.counters.bytes_from_target, remote ? 4 : 15);
    assert_true(bench.counters.last_activity.has_value());
    bench.relay.reset();
    assert_int_equal(bench.counters.active, 0);
  }
}

static void traffic_does_not_replace_the_better_proof(void**) {
  Bench bench;
  bench.counters.proof = core::Proof::probe;
  bench.wire->to_us = "a";
  bench.client_sends("b");
  bench.pump();
  assert_int_equal(bench.counters.proof, core::Proof::probe);
}

static void what_was_read_before_comes_first_and_counts(void**) {
  Bench bench(core::ForwardKind::remote, "head, ");
  bench.wire->to_us = "then the rest";
  bench.pump();
  test::await_bytes(bench.client.get());
  assert_text_equal(bench.client_has(), "head, then the rest");
  assert_int_equal(bench.counters.bytes_to_target, 19);
}

// Reading re-opens the peer's window, so it must stop, and what has been read must all arrive, before the
// end.
static void a_slow_local_side_stops_the_reading_of_the_channel(void**) {
  Bench bench;
  const std::string sent = numbered(16 << 20);
  bench.wire->to_us = sent;
  bench.wire->peer_eof = true;
  bench.pump();
  assert_true(bench.wire->to_us.size() > sent.size() / 2);
  const int reads = bench.wire->reads;
  for (int i = 0; i < 5; ++i) assert_false(bench.relay->pump(bench.scratch, kRoom));
  assert_int_equal(bench.wire->reads, reads);

  std::string arrived;
  bool open = true;
  while (open) {
    open = test::read_available(bench.client.get(), arrived);
    bench.pump();
  }
  assert_int_equal(errno, 0);  // a clean end
  assert_true(arrived == sent);
  assert_false(bench.relay->finished());  // the client may still speak
}

static void a_slow_reader_wakes_the_relay_when_it_reads_on(void**) {
  Bench bench;
  bench.wire->to_us = numbered(16 << 20);
  bench.pump();
  bench.relay->arm(kRoom);
  const auto left = bench.wire->to_us.size();
  for (int i = 0; i < 200 && bench.wire->to_us.size() == left; ++i) {
    bench.client_has();
    bench.ready();
    bench.pump();
  }
  assert_true(bench.wire->to_us.size() < left);
}

static void the_local_side_is_not_read_while_output_is_full(void**) {
  Bench bench;
  bench.client_sends("hello");
  bench.pump(0);
  assert_text_equal(bench.wire->from_us, "");
  assert_true(bench.relay->pump(bench.scratch, 2));
  assert_text_equal(bench.wire->from_us, "he");
  bench.pump(kRoom);
  assert_text_equal(bench.wire->from_us, "hello");
}

static void the_local_side_is_not_read_while_the_window_is_shut(void**) {
  Bench bench;
  bench.client_sends("hello");
  bench.wire->window = 0;
  bench.pump();
  assert_text_equal(bench.wire->from_us, "");
  bench.wire->window = 3;
  bench.pump();
  assert_text_equal(bench.wire->from_us, "hel");
  bench.wire->window = kRoom;
  bench.pump();
  assert_text_equal(bench.wire->from_us, "hello");
}

// Else a shut window would turn the loop as fast as it can.
static void no_event_is_asked_for_that_could_not_be_acted_upon(void**) {
  Bench bench;
  bench.client_sends("hello");
  const int wakes = bench.wakes;
  loop::Timer enough(bench.loop, "enough", [&] { bench.loop.stop(); });
  bench.relay->arm(0);
  enough.start(20ms);
  bench.loop.run();
  bench.wire->window = 0;
  bench.relay->arm(kRoom);
  enough.start(20ms);
  bench.loop.run();
  assert_int_equal(bench.wakes, wakes);
}

static void the_local_end_first_then_the_peers(void**) {
  Bench bench;
  test::send_text(bench.client.get(), "last words");
  ::shutdown(bench.client.get(), SHUT_WR);
  bench.ready();
  bench.pump();
  bench.ready();
  bench.pump();
  assert_text_equal(bench.wire->from_us, "last words");
  assert_true(bench.wire->our_eof);
  assert_false(bench.relay->finished());
  bench.wire->to_us = "an answer all the same";
  bench.pump();
  assert_false(bench.relay->finished());
  bench.wire->peer_eof = true;
  bench.pump();
  assert_true(bench.relay->finished());
  bench.relay.reset();
  assert_true(bench.wire->released);
  std::string arrived;
  assert_int_equal(test::read_to_end(bench.client.get(), arrived), 0);
  assert_text_equal(arrived, "an answer all the same");
}

static void the_peers_end_first_then_the_local(void**) {
  Bench bench;
  bench.wire->to_us = "last words";
  bench.wire->peer_eof = true;
  bench.pump();
  std::string arrived;
  assert_int_equal(test::read_to_end(bench.client.get(), arrived), 0);
  assert_text_equal(arrived, "last words");
  assert_false(bench.relay->finished());
  bench.client_sends("an answer all the same");
  bench.pump();
  assert_text_equal(bench.wire->from_us, "an answer all the same");
  assert_false(bench.wire->our_eof);
  ::shutdown(bench.client.get(), SHUT_WR);
  bench.ready();
  bench.pump();
  assert_true(bench.wire->our_eof);
  assert_true(bench.relay->finished());
}

// Trap: libssh2 tells a writer nothing of the peer's CLOSE; without asking, channel and descriptor leak.
static void a_close_of_the_peer_is_seen_by_who_only_writes(void**) {
  Bench bench;
  bench.wire->peer_eof = true;
  bench.client_sends("are you there");
  bench.pump();
  assert_false(bench.relay->finished());
  bench.wire->peer_closed = true;
  bench.pump();
  assert_true(bench.relay->finished());
}

static void a_close_of_the_peer_waits_for_what_it_has_sent(void**) {
  Bench bench;
  const std::string sent = numbered(16 << 20);
  bench.wire->to_us = sent;
  bench.wire->peer_eof = bench.wire->peer_closed = true;
  bench.pump();
  assert_false(bench.relay->finished());
  std::string arrived;
  while (!bench.relay->finished()) {
    test::read_available(bench.client.get(), arrived);
    bench.pump();
  }
  bench.relay.reset();
  assert_int_equal(test::read_to_end(bench.client.get(), arrived), 0);
  assert_true(arrived == sent);
}

static void a_reset_of_the_local_side_closes_the_channel(void**) {
  Bench bench;
  loop::set_reset_on_close(bench.client.get());
  bench.client.reset();
  bench.ready();
  bench.pump();
  assert_true(bench.relay->finished());
  bench.relay.reset();
  assert_true(bench.wire->released);
  assert_false(bench.wire->our_eof);  // not told as a clean end
}

static void a_local_side_that_is_gone_is_noticed_by_writing(void**) {
  Bench bench;
  bench.client.reset();
  for (int i = 0; i < 1000 && !bench.relay->finished(); ++i) {
    bench.wire->to_us = "anyone?";
    bench.pump();
    ::usleep(1000);
  }
  assert_true(bench.relay->finished());
}

// A target that answers early (an HTTP 413), reads no more and closes: its answer must arrive, though the
// rest of the question cannot be delivered.
static void the_answer_of_a_local_side_that_closed_early_arrives(void**) {
  Bench bench;
  bench.wire->to_us = numbered(1000);
  bench.pump();
  test::await_bytes(bench.client.get());
  const std::string answer = numbered(100'000);
  test::send_text(bench.client.get(), answer);
  bench.client.reset();  // with bytes unread: an RST
  bench.wire->to_us = numbered(1000);
  bench.pump(0);  // writes, and fails
  ::usleep(50'000);
  bench.wire->to_us = numbered(1000);
  bench.pump(0);
  assert_false(bench.relay->finished());
  assert_text_equal(bench.wire->to_us, "");  // dropped: whoever sends it must not wait
  bench.pump();
  assert_true(bench.wire->from_us == answer);
  bench.ready();
  bench.pump();
  assert_true(bench.relay->finished());
}

// What the client has may be incomplete: it must not look like a clean end.
static void an_abort_resets_the_local_side(void**) {
  Bench bench;
  bench.relay->abort();
  assert_true(bench.relay->finished());
  bench.relay.reset();
  std::string arrived;
  assert_int_equal(test::read_to_end(bench.client.get(), arrived), ECONNRESET);
}

static void a_broken_session_finishes_the_relay_either_way(void**) {
  {
    Bench bench;
    bench.wire->broken = true;
    bench.pump();
    assert_true(bench.relay->finished());
  }
  Bench bench;
  bench.client_sends("x");
  bench.wire->broken = true;
  bench.pump();
  assert_true(bench.relay->finished());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(bytes_cross_both_ways_and_count_by_the_kind_of_forward),
      cmocka_unit_test(traffic_does_not_replace_the_better_proof),
      cmocka_unit_test(what_was_read_before_comes_first_and_counts),
      cmocka_unit_test(a_slow_local_side_stops_the_reading_of_the_channel),
      cmocka_unit_test(a_slow_reader_wakes_the_relay_when_it_reads_on),
      cmocka_unit_test(the_local_side_is_not_read_while_output_is_full),
      cmocka_unit_test(the_local_side_is_not_read_while_the_window_is_shut),
      cmocka_unit_test(no_event_is_asked_for_that_could_not_be_acted_upon),
      cmocka_unit_test(the_local_end_first_then_the_peers),
      cmocka_unit_test(the_peers_end_first_then_the_local),
      cmocka_unit_test(a_close_of_the_peer_is_seen_by_who_only_writes),
      cmocka_unit_test(a_close_of_the_peer_waits_for_what_it_has_sent),
      cmocka_unit_test(a_reset_of_the_local_side_closes_the_channel),
      cmocka_unit_test(a_local_side_that_is_gone_is_noticed_by_writing),
      cmocka_unit_test(the_answer_of_a_local_side_that_closed_early_arrives),
      cmocka_unit_test(an_abort_resets_the_local_side),
      cmocka_unit_test(a_broken_session_finishes_the_relay_either_way),
  };
  return cmocka_run_group_tests_name("relay", tests, nullptr, nullptr);
}
