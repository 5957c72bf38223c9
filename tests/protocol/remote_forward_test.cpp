// A probe's connection told from a client's: nothing of a probe reaches the target, nothing of a client is
// lost. Over an open session with the scripted codec; the target is a real socket.
#include "ssh/remote_forward.hpp"

#include "cmocka.hpp"
#include "protocol/scene.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using test::WirePtr;

namespace {

constexpr std::uint16_t kPort = 18'000;
constexpr ssh::Nonce kNonce = {0, 1, 2, 3, 250, 251, 252, 253, 'a', 'b', 'c', 'd', '\n', '\r', 0, 255};
const std::string kNonceText(kNonce.begin(), kNonce.end());

class Bench : public test::Scene {
 public:
  // `hold` is never reached unless a test makes it short.
  explicit Bench(base::Millis hold = 1h) {
    site.timing.client_hold = hold;
    tunnel->forwards = {{core::ForwardKind::remote, {"localhost", kPort}, {"127.0.0.1", target.port}}};
    counters.forward = tunnel->forwards[0];
    session = std::make_unique<ssh::Session>(
        site, tunnel,
        ssh::Session::Handlers{
            nullptr, [this] { open = true; }, [this](ssh::Failure) { ended = true; },
            [this](std::size_t, ssh::ChannelPtr channel) { forward->on_accept(std::move(channel)); },
            [this] { return forward && forward->turn(); }});
    until("the session opens", [this] { return open; });
    forward = std::make_unique<ssh::RemoteForward>(site, *session, *tunnel, counters);
  }
  ~Bench() {
    forward.reset();
    session.reset();
  }

  void expect() {
    forward->expect(kNonce, [this] { ++crossed; });
  }
  // A connection to the server's port that has sent `bytes`, taken in by us.
  WirePtr arrives(std::string bytes = {}) {
    auto wire = script->connect(kPort, std::move(bytes));
    settle();
    return wire;
  }
  void says(const WirePtr& wire, std::string_view bytes) {
    wire->to_us += bytes;
    settle();
  }
  void settle() {
    session->wake();
    turns(5);
  }
  // The next connection to the target.
  base::UniqueFd at_target() {
    base::UniqueFd fd;
    until("a connection reaches the target", [&] {
      auto accepted = loop::accept_one(target.fd.get());
      if (accepted.ok() && accepted->has_value()) fd = std::move(**accepted);
      return static_cast<bool>(fd);
    });
    return fd;
  }
  void nobody_at_target() {
    settle();
    auto accepted = loop::accept_one(target.fd.get());
    assert_true(accepted.ok() && !accepted->has_value());
  }
  void target_gets(const base::UniqueFd& fd, std::string_view expected) {
    std::string text;
    until("the bytes reach the target", [&] {
      test::read_available(fd.get(), text);
      return text.size() >= expected.size();
    });
    assert_true(text == expected);
  }

  test::Listening target = test::listen_free();
  core::ForwardStatus counters;
  std::unique_ptr<ssh::Session> session;
  std::unique_ptr<ssh::RemoteForward> forward;
  bool open = false, ended = false;
  int crossed = 0;
};

}  // namespace

static void without_a_probe_a_client_goes_through_at_once(void**) {
  Bench bench;
  const auto wire = bench.arrives("GET / HTTP/1.1\r\n");
  const auto fd = bench.at_target();
  bench.target_gets(fd, "GET / HTTP/1.1\r\n");
  test::send_text(fd.get(), "HTTP/1.1 200 OK\r\n");
  bench.until("the answer goes back", [&] { return wire->from_us == "HTTP/1.1 200 OK\r\n"; });
  assert_int_equal(bench.counters.connections, 1);
  assert_int_equal(bench.counters.bytes_to_target, 16);
  assert_int_equal(bench.counters.bytes_from_target, 17);
}

static void the_nonce_is_taken_out_and_never_reaches_the_target(void**) {
  Bench bench;
  bench.expect();
  bench.forward->nonce_sent(1ms);
  const auto wire = bench.arrives(kNonceText);
  assert_int_equal(bench.crossed, 1);
  assert_true(wire->released);
  bench.nobody_at_target();
  assert_int_equal(bench.counters.connections, 0);
  assert_int_equal(bench.counters.bytes_to_target, 0);
}

static void a_nonce_in_pieces_is_put_together(void**) {
  Bench bench;
  bench.expect();
  const auto wire = bench.arrives();
  for (const char c : kNonceText) {
    assert_int_equal(bench.crossed, 0);
    assert_false(wire->released);
    bench.says(wire, {&c, 1});
  }
  assert_int_equal(bench.crossed, 1);
  assert_true(wire->released);
  bench.nobody_at_target();
}

// The server may announce the connection, and even pass the bytes on, before it confirms the channel that
// caused it: nonce_sent() has not been called then.
static void a_nonce_may_come_before_its_channel_is_confirmed(void**) {
  Bench bench;
  bench.expect();
  bench.arrives(kNonceText);
  assert_int_equal(bench.crossed, 1);
  bench.forward->nonce_sent(1ms);
  bench.nobody_at_target();
}

static void a_client_that_diverges_late_loses_nothing(void**) {
  for (std::size_t same = 0; same < kNonceText.size(); ++same) {
    Bench bench;
    bench.expect();
    const auto wire = bench.arrives(kNonceText.substr(0, same));
    if (same > 0) bench.nobody_at_target();
    const std::string rest = std::string(1, static_cast<char>(kNonceText[same] ^ 1)) + "and what follows";
    bench.says(wire, rest);
    bench.target_gets(bench.at_target(), kNonceText.substr(0, same) + rest);
    assert_int_equal(bench.crossed, 0);
  }
}

static void bytes_after_a_whole_prefix_are_not_read_ahead(void**) {
  Bench bench;
  bench.expect();
  const std::string sent = kNonceText.substr(0, 15) + "X" + std::string(100'000, 'y');
  bench.arrives(sent);
  bench.target_gets(bench.at_target(), sent);
}

static void a_client_that_sends_a_prefix_and_ends_is_a_client(void**) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{15}}) {
    Bench bench;
    bench.expect();
    const auto wire = bench.arrives(kNonceText.substr(0, length));
    bench.nobody_at_target();
    wire->peer_eof = true;
    bench.settle();
    const auto fd = bench.at_target();
    std::string text;
    bench.until("the end reaches the target", [&] { return !test::read_available(fd.get(), text); });
    assert_int_equal(errno, 0);
    assert_true(text == kNonceText.substr(0, length));
    test::send_text(fd.get(), "an answer");
    bench.until("the answer goes back", [&] { return wire->from_us == "an answer"; });
    assert_int_equal(bench.crossed, 0);
  }
}

// A service that speaks first, or an idle client: it must not wait for ever.
static void a_silent_client_is_let_go_after_the_hold(void**) {
  Bench bench(30ms);
  bench.expect();
  bench.forward->nonce_sent(1ms);
  const auto wire = bench.arrives();
  const auto fd = bench.at_target();
  test::send_text(fd.get(), "220 ready");
  bench.until("the greeting goes back", [&] { return wire->from_us == "220 ready"; });
  bench.says(wire, "EHLO");
  bench.target_gets(fd, "EHLO");
  bench.says(wire, kNonceText);  // not its first bytes: they are the client's own
  bench.target_gets(fd, kNonceText);
  assert_int_equal(bench.crossed, 0);
}

// Lost packets hold a nonce up for longer than a silent client can wait: still no byte of it may go through.
static void a_nonce_that_comes_after_the_hold_never_reaches_the_target(void**) {
  Bench bench(30ms);
  bench.expect();
  bench.forward->nonce_sent(1ms);
  const auto wire = bench.arrives();
  const auto fd = bench.at_target();
  assert_true(bench.forward->let_one_go());
  bench.says(wire, kNonceText);
  assert_int_equal(bench.crossed, 1);
  std::string text;
  bench.until("the target's connection ends", [&] { return !test::read_available(fd.get(), text); });
  assert_text_equal(text, "");
  bench.until("the channel is closed", [&] { return wire->released; });
  assert_int_equal(bench.counters.bytes_to_target, 0);
}

static void a_nonce_that_nobody_waits_for_any_more_never_reaches_the_target(void**) {
  Bench bench;
  bench.expect();
  const auto wire = bench.arrives();
  bench.forward->expect_nothing();  // given up
  bench.settle();
  const auto fd = bench.at_target();
  bench.expect();  // asked again; by the same bytes, as far as this test goes
  bench.says(wire, kNonceText);
  assert_int_equal(bench.crossed, 0);
  std::string text;
  bench.until("the target's connection ends", [&] { return !test::read_available(fd.get(), text); });
  assert_text_equal(text, "");
}

// False: this machine stood still for so long that it tells nothing.
static bool was_held_for_a_retransmission() {
  Bench bench(0ms);
  const auto timeout = bench.session->tcp_state().retransmit_timeout;
  assert_true(timeout >= 200ms);  // TCP_RTO_MIN of Linux
  bench.expect();
  const auto begun = base::steady_now();
  bench.forward->nonce_sent(0ms);
  const auto wire = bench.script->connect(kPort);
  bool sent_again = false;
  loop::Timer again(bench.loop, "retransmission", [&] {
    wire->to_us = kNonceText;
    sent_again = true;
    bench.session->wake();
  });
  again.start(timeout / 2);
  bench.session->wake();
  bench.until("the nonce comes", [&] { return sent_again; });
  bench.settle();
  if (base::steady_now() - begun >= timeout) return false;
  assert_int_equal(bench.crossed, 1);
  bench.nobody_at_target();
  return true;
}

// The packet that carries the nonce is lost once: the kernel sends it again, and until then the channel
// waits.
static void the_hold_outlasts_a_retransmission(void**) {
  int tries = 0;
  while (!was_held_for_a_retransmission()) assert_true(++tries < 100);
}

// The line's own round trip is added to the hold: on a slow line the nonce takes as long as its channel took.
static void on_a_slow_line_the_hold_is_longer(void**) {
  Bench bench(30ms);
  bench.expect();
  bench.forward->nonce_sent(1h);
  const auto wire = bench.arrives();
  ::usleep(60'000);
  bench.nobody_at_target();
  bench.says(wire, kNonceText);
  assert_int_equal(bench.crossed, 1);
  bench.nobody_at_target();
}

static void of_several_clients_only_the_probe_is_taken_out(void**) {
  Bench bench;
  bench.expect();
  for (const auto& bytes :
       {std::string("one"), kNonceText.substr(0, 8), kNonceText, kNonceText.substr(0, 3) + "three"})
    bench.script->connect(kPort, bytes);
  bench.settle();
  assert_int_equal(bench.crossed, 1);
  std::vector<std::string> texts;
  for (int i = 0; i < 3; ++i) {
    const auto fd = bench.at_target();
    std::string text;
    bench.until("bytes", [&] {
      test::read_available(fd.get(), text);
      return !text.empty();
    });
    texts.push_back(text);
  }
  std::sort(texts.begin(), texts.end());
  std::vector<std::string> expected = {"one", kNonceText.substr(0, 8), kNonceText.substr(0, 3) + "three"};
  std::sort(expected.begin(), expected.end());
  assert_true(texts == expected);
  bench.nobody_at_target();
}

static void a_second_nonce_of_the_same_bytes_is_a_clients(void**) {
  Bench bench;
  bench.expect();
  bench.arrives(kNonceText);
  bench.arrives(kNonceText);  // replayed by whoever saw it
  assert_int_equal(bench.crossed, 1);
  bench.target_gets(bench.at_target(), kNonceText);
}

static void whoever_is_held_goes_on_when_the_probe_is_over(void**) {
  Bench bench;
  bench.expect();
  bench.arrives(kNonceText.substr(0, 5));
  bench.arrives();
  bench.nobody_at_target();
  bench.forward->expect_nothing();
  bench.settle();
  bench.at_target();
  bench.at_target();
  assert_int_equal(bench.counters.connections, 2);
}

static void a_dead_target_is_counted_and_the_channel_closed(void**) {
  Bench bench;
  bench.target.fd.reset();
  const auto wire = bench.arrives("hello?");
  bench.until("the channel is closed", [&] { return wire->released; });
  assert_int_equal(bench.counters.connections, 1);
  assert_int_equal(bench.counters.refused, 1);
  assert_int_equal(bench.counters.active, 0);
  assert_false(bench.ended);
}

static void a_session_that_ends_resets_the_target(void**) {
  Bench bench;
  const auto wire = bench.arrives("hello");
  const auto fd = bench.at_target();
  bench.target_gets(fd, "hello");
  bench.expect();
  bench.script->connect(kPort);  // held
  bench.settle();
  bench.script->broken = ssh::Failure{core::Reason::transport_corrupt, "a flipped bit"};
  bench.session->wake();
  bench.until("it ends", [&] { return bench.ended; });
  bench.forward.reset();
  bench.session.reset();
  std::string text;
  assert_int_equal(test::read_to_end(fd.get(), text), ECONNRESET);
  assert_true(wire->released);
  assert_int_equal(bench.counters.active, 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(without_a_probe_a_client_goes_through_at_once),
      cmocka_unit_test(the_nonce_is_taken_out_and_never_reaches_the_target),
      cmocka_unit_test(a_nonce_in_pieces_is_put_together),
      cmocka_unit_test(a_nonce_may_come_before_its_channel_is_confirmed),
      cmocka_unit_test(a_client_that_diverges_late_loses_nothing),
      cmocka_unit_test(bytes_after_a_whole_prefix_are_not_read_ahead),
      cmocka_unit_test(a_client_that_sends_a_prefix_and_ends_is_a_client),
      cmocka_unit_test(a_silent_client_is_let_go_after_the_hold),
      cmocka_unit_test(a_nonce_that_comes_after_the_hold_never_reaches_the_target),
      cmocka_unit_test(a_nonce_that_nobody_waits_for_any_more_never_reaches_the_target),
      cmocka_unit_test(the_hold_outlasts_a_retransmission),
      cmocka_unit_test(on_a_slow_line_the_hold_is_longer),
      cmocka_unit_test(of_several_clients_only_the_probe_is_taken_out),
      cmocka_unit_test(a_second_nonce_of_the_same_bytes_is_a_clients),
      cmocka_unit_test(whoever_is_held_goes_on_when_the_probe_is_over),
      cmocka_unit_test(a_dead_target_is_counted_and_the_channel_closed),
      cmocka_unit_test(a_session_that_ends_resets_the_target),
  };
  return cmocka_run_group_tests_name("remote_forward", tests, nullptr, nullptr);
}
