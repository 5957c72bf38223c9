// What a line is told to be worth, and when it is given up: the whole Line over a scripted server. Waits are
// short, and long where a test says that something is *not* judged, so that no slow machine makes it wrong.
#include "ssh/prover.hpp"

#include "cmocka.hpp"
#include "protocol/scene.hpp"
#include "ssh/line.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::Proof;
using core::Reason;
using ssh::OpenResult;

namespace {

constexpr std::uint16_t kFirstPort = 18'000;

class Bench : public test::Scene {
 public:
  Bench() {
    site.timing.probe_tick = 20ms;
    site.timing.probe_silence = 60ms;
    site.timing.probe_patience = 1h;
    site.timing.client_hold = 1h;
    meanwhile = [this] { serve(); };
  }
  ~Bench() { line.reset(); }

  void add_remote() {
    const auto port = static_cast<std::uint16_t>(kFirstPort + tunnel->forwards.size());
    tunnel->forwards.push_back({core::ForwardKind::remote, {"localhost", port}, {"127.0.0.1", target.port}});
  }
  void add_local() {
    const auto free = test::listen_free();
    const auto port = free.port;
    tunnel->forwards.push_back({core::ForwardKind::local, {"127.0.0.1", port}, {"db.example", 5432}});
  }
  void begin() {
    for (const auto& forward : tunnel->forwards) {
      statuses.emplace_back();
      statuses.back().forward = forward;
    }
    for (std::size_t i = 0; i < tunnel->forwards.size(); ++i) {
      const bool local = tunnel->forwards[i].kind == core::ForwardKind::local;
      auto fds = local ? ssh::LocalListener::bind(tunnel->forwards[i].listen)
                       : base::Result<std::vector<base::UniqueFd>>(std::vector<base::UniqueFd>{});
      assert_true(fds.ok());
      owned.push_back(local ? std::make_unique<ssh::LocalListener>(loop, std::move(*fds), statuses[i])
                            : nullptr);
      listeners.push_back(owned.back().get());
    }
    line = std::make_unique<ssh::Line>(
        site, tunnel, statuses, listeners,
        ssh::Line::Handlers{nullptr, [this] { granted = true; }, [this] { ready = true; },
                            [this](base::Millis) { ++crossings; },
                            [this](ssh::Failure failure) {
                              assert_false(ended);
                              ended = true;
                              why = std::move(failure);
                            }});
  }
  // The channels of a remote forward open, and no nonce comes back.
  void begin_without_echo() {
    add_remote();
    echoes = false;
    begin();
  }
  // The same, and each silent channel is passed on to a target that refuses it.
  void begin_where_nothing_listens(base::Millis probe_silence) {
    site.timing.client_hold = 0ms;
    site.timing.probe_silence = probe_silence;
    target.fd.reset();
    begin_without_echo();
  }
  void begin_until_ready() {
    begin();
    until("the first round is over", [this] { return ready || ended; });
    assert_true(ready);
  }
  Reason end_reason() {
    until("the line is given up", [this] { return ended; });
    turns(20);  // and only once
    return why.reason;
  }

  // The server's part: what is sent into a channel to a listening port arrives on a new connection there.
  void serve() {
    for (; paired < script->opened.size(); ++paired) {
      const auto& opened = script->opened[paired];
      const bool ours = opened.wire && opened.target && opened.target->host == "127.0.0.1";
      pairs.emplace_back(opened.wire, ours && echoes ? script->connect(opened.target->port) : nullptr);
    }
    for (auto& [from, to] : pairs)
      if (to && !from->from_us.empty()) to->to_us += std::exchange(from->from_us, {});
    if (granted && line && !ended) line->session().wake();
  }
  int opened_to(std::uint16_t port) const {
    int count = 0;
    for (const auto& opened : script->opened)
      count += (opened.target ? opened.target->port : 0) == port ? 1 : 0;
    return count;
  }
  void silence() {
    script->answer = [](const core::Endpoint*) { return std::nullopt; };
  }

  test::Listening target = test::listen_free();
  std::vector<core::ForwardStatus> statuses;
  std::vector<std::unique_ptr<ssh::LocalListener>> owned;
  std::vector<ssh::LocalListener*> listeners;
  std::unique_ptr<ssh::Line> line;
  std::vector<std::pair<test::WirePtr, test::WirePtr>> pairs;
  std::size_t paired = 0;
  bool echoes = true;  // the server passes bytes on
  bool granted = false, ready = false, ended = false;
  int crossings = 0;
  ssh::Failure why;
};

}  // namespace

static void a_nonce_that_comes_back_proves_a_remote_forward(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.site.timing.probe_tick = 1h;
  bench.add_remote();
  bench.add_remote();
  bench.begin_until_ready();
  assert_true(bench.granted);
  for (const auto& status : bench.statuses) {
    assert_true(status.listening);
    assert_int_equal(status.proof, Proof::probe);
    assert_int_equal(status.connections, 0);
  }
  assert_int_equal(bench.crossings, 2);
  assert_int_equal(bench.opened_to(kFirstPort), 1);
  assert_int_equal(bench.opened_to(kFirstPort + 1), 1);
  auto accepted = loop::accept_one(bench.target.fd.get());
  assert_true(accepted.ok() && !accepted->has_value());  // the target saw nothing of it
}

static void a_quiet_line_is_asked_again_at_every_tick(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_remote();
  bench.begin_until_ready();
  bench.until("three more crossings", [&] { return bench.crossings >= 4; });
  bench.turns(5);
  int alive = 0;
  for (const auto& opened : bench.script->opened) alive += opened.wire->released ? 0 : 1;
  assert_in_range(alive, 0, 1);  // each probe's channels are closed behind it
}

// The promise: a frozen server or a dead link is seen within 15 s. Two ticks at most from the last byte to
// the question, whatever the phase, and the answers to questions are bytes too; then the silence.
static void a_silent_tick_is_followed_by_a_question(void**) {
  constexpr ssh::Timing product;
  assert_true(2 * product.probe_tick + product.probe_silence <= 15s);
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_remote();
  bench.begin_until_ready();
  const auto peer = bench.peer();
  std::size_t answered = bench.script->opened.size();
  bench.meanwhile = [&] {
    bench.serve();
    if (answered == bench.script->opened.size()) return;
    answered = bench.script->opened.size();
    test::send_text(peer.get(), ".");
  };
  std::uint64_t bytes = bench.line->session().bytes_received();
  std::size_t asked = bench.script->opened.size();
  bool silent = false, idle = false;
  std::int64_t silent_ticks = 0, last_tick = 0;
  loop::Timer tick(bench.loop, "test-tick", [&] {  // beside the prover's, and behind it
    // A machine that stood still leaves this one a tick behind, or a question open: nothing can be said then.
    const std::int64_t this_tick = base::steady_now().time_since_epoch() / bench.site.timing.probe_tick;
    if (silent && idle && this_tick == last_tick + 1) {
      ++silent_ticks;
      assert_true(bench.script->opened.size() > asked);
    }
    last_tick = this_tick;
    asked = bench.script->opened.size();
    idle = std::cmp_equal(asked, bench.crossings);
    const auto now = bench.line->session().bytes_received();
    silent = now == std::exchange(bytes, now);
  });
  tick.start_aligned(bench.site.timing.probe_tick);
  bench.until("several questions", [&] { return silent_ticks >= 5; });
}

static void a_target_that_the_server_reaches_proves_a_local_forward(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_local();
  bench.begin_until_ready();
  assert_int_equal(bench.statuses[0].proof, Proof::probe);
  assert_int_equal(bench.opened_to(5432), 1);
}

static void a_local_target_that_does_not_answer_leaves_the_line_alone(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_local();
  bench.script->answer = [](const core::Endpoint* to) {
    return to ? OpenResult::connect_failed : OpenResult::opened;
  };
  bench.begin_until_ready();
  assert_int_equal(bench.statuses[0].proof, Proof::none);
  bench.until("sessions tell that it lives", [&] { return bench.opened_to(0) >= 2; });
  assert_false(bench.ended);
}

// As long as the target is down the server's own life must still be asked for.
static void a_frozen_server_is_seen_though_no_local_target_answers(void**) {
  Bench bench;
  bench.add_local();
  bench.script->answer = [](const core::Endpoint* to) {
    return to ? OpenResult::connect_failed : OpenResult::opened;
  };
  bench.begin_until_ready();
  bench.silence();
  assert_int_equal(bench.end_reason(), Reason::server_frozen);
}

static void a_local_target_that_comes_up_is_proven_later(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.site.timing.proof_age = 50ms;
  bench.add_local();
  bench.script->answer = [](const core::Endpoint*) { return OpenResult::connect_failed; };
  bench.begin_until_ready();
  bench.script->answer = [](const core::Endpoint*) { return OpenResult::opened; };
  bench.until("it is proven", [&] { return bench.statuses[0].proof == Proof::probe; });
}

// The server forbids the probe: connected, but unproven. A bare session channel still tells life from death.
static void a_forbidden_probe_leaves_no_proof_and_asks_for_liveness_instead(void**) {
  for (const auto refusal : {OpenResult::prohibited, OpenResult::refused}) {
    Bench bench;
    bench.site.timing.probe_silence = 1h;
    bench.add_remote();
    bench.script->answer = [=](const core::Endpoint* to) { return to ? refusal : OpenResult::opened; };
    bench.begin_until_ready();
    assert_int_equal(bench.statuses[0].proof, Proof::none);
    assert_true(bench.statuses[0].listening);
    bench.until("sessions tell that it lives", [&] { return bench.opened_to(0) >= 3; });
    assert_int_equal(bench.opened_to(kFirstPort), 1);  // not asked again in this session
    assert_false(bench.ended);
  }
}

static void any_answer_to_a_session_channel_is_a_sign_of_life(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_remote();
  bench.script->answer = [](const core::Endpoint*) { return OpenResult::prohibited; };
  bench.begin_until_ready();
  bench.until("it is asked again", [&] { return bench.opened_to(0) >= 3; });
  assert_false(bench.ended);
}

static void a_forbidden_line_that_goes_silent_is_a_frozen_server(void**) {
  Bench bench;
  bench.add_remote();
  bench.script->answer = [](const core::Endpoint* to) {
    return to ? OpenResult::prohibited : OpenResult::opened;
  };
  bench.begin_until_ready();
  bench.silence();
  assert_int_equal(bench.end_reason(), Reason::server_frozen);
}

static void nothing_listening_behind_the_grant_loses_the_line(void**) {
  Bench bench;
  bench.add_remote();
  bench.script->answer = [](const core::Endpoint*) { return OpenResult::connect_failed; };
  bench.begin();
  assert_int_equal(bench.end_reason(), Reason::probe_failed);
  assert_false(bench.ready);
}

static void no_answer_and_no_byte_is_a_frozen_server(void**) {
  Bench bench;
  bench.add_remote();
  bench.silence();
  bench.begin();
  assert_int_equal(bench.end_reason(), Reason::server_frozen);
  assert_false(bench.ready);
}

// A dead path is not called proven: the channel opens, the bytes do not come back.
static void a_nonce_that_does_not_come_back_is_a_failed_probe(void**) {
  Bench bench;
  bench.begin_without_echo();
  assert_int_equal(bench.end_reason(), Reason::probe_failed);
  assert_int_equal(bench.crossings, 0);
  assert_int_equal(bench.statuses[0].proof, Proof::none);
}

// The nonce comes only after the silent channel went on to the target, which must not see a byte of it.
static void a_nonce_that_is_held_up_crosses_all_the_same(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.site.timing.client_hold = 0ms;
  bench.begin_without_echo();
  bench.until("the nonce is sent",
              [&] { return !bench.pairs.empty() && !bench.pairs[0].first->from_us.empty(); });
  bench.pairs[0].second = bench.script->connect(kFirstPort);
  auto late = std::exchange(bench.pairs[0].first->from_us, {});
  base::UniqueFd target;
  bench.until("the silent channel goes on to the target", [&] {
    auto accepted = loop::accept_one(bench.target.fd.get());
    if (accepted.ok() && accepted->has_value()) target = std::move(**accepted);
    return static_cast<bool>(target);
  });
  bench.pairs[0].second->to_us = late;
  bench.until("it crosses", [&] { return bench.crossings == 1 && bench.ready; });
  std::string text;
  bench.until("the target's connection ends", [&] { return !test::read_available(target.get(), text); });
  assert_text_equal(text, "");
  assert_int_equal(bench.statuses[0].proof, Proof::probe);
  assert_false(bench.ended);
}

// The silent channel is closed before its nonce comes, because the target refuses it: nothing was learnt of
// the forward. Asked again, it crosses.
static void a_probe_that_may_have_been_passed_on_is_asked_again(void**) {
  Bench bench;
  bench.begin_where_nothing_listens(1s);
  const auto peer = bench.peer();
  bench.until("the nonce is sent",
              [&] { return !bench.pairs.empty() && !bench.pairs[0].first->from_us.empty(); });
  const auto passed_on = bench.script->connect(kFirstPort);
  bench.until("the target refuses it", [&] { return passed_on->released; });
  test::send_text(peer.get(), ".");  // the server's CLOSE
  bench.echoes = true;
  bench.until("it is asked again", [&] { return bench.crossings == 1 || bench.ended; });
  assert_false(bench.ended);
}

static void a_probe_that_never_comes_back_is_not_asked_for_ever(void**) {
  Bench bench;
  bench.begin_where_nothing_listens(600ms);
  const auto peer = bench.peer();
  std::size_t served = 0;
  bench.meanwhile = [&] {  // each time a silent channel comes and is passed on, and the server lives
    bench.serve();
    if (served == bench.pairs.size() || bench.pairs[served].first->from_us.empty()) return;
    ++served;
    bench.script->connect(kFirstPort);
    test::send_text(peer.get(), ".");
  };
  assert_int_equal(bench.end_reason(), Reason::probe_failed);
  assert_int_equal(bench.opened_to(kFirstPort), bench.site.timing.probe_misses);
  assert_int_equal(bench.crossings, 0);
}

static void a_proven_line_that_dies_is_given_up(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 500ms;  // the first round must not fail on a slow machine
  bench.add_remote();
  bench.begin_until_ready();
  bench.echoes = false;
  assert_int_equal(bench.end_reason(), Reason::probe_failed);
}

// Other bytes arrive all the while: a full queue holds the answer up, but not for ever.
static void while_bytes_arrive_there_is_patience_but_not_for_ever(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 400ms;
  bench.site.timing.probe_patience = 900ms;
  bench.add_remote();
  bench.silence();
  bench.begin();
  const auto peer = bench.peer();
  const auto began = base::steady_now();
  bench.meanwhile = [&] {
    bench.serve();
    test::send_text(peer.get(), ".");
  };
  assert_int_equal(bench.end_reason(), Reason::server_frozen);
  assert_true(base::steady_now() - began >= 900ms);
}

// libssh2 1.11 gives an open up after 15 s. While other bytes arrive nothing else judges, so that must not
// pass for an answer: the path is dead.
static void an_open_that_the_library_gives_up_is_no_answer(void**) {
  for (const bool forbidden : {false, true}) {
    Bench bench;
    bench.site.timing.probe_silence = 1h;
    bench.site.timing.probe_patience = 300ms;
    bench.site.timing.proof_age = 50ms;
    bench.add_remote();
    bench.script->answer = [=](const core::Endpoint* to) {
      return forbidden && to ? OpenResult::prohibited : OpenResult::opened;
    };
    bench.begin_until_ready();
    const auto peer = bench.peer();
    bench.meanwhile = [&] {
      bench.serve();
      test::send_text(peer.get(), ".");
    };
    const auto asked = bench.script->opened.size();
    bench.script->answer = [](const core::Endpoint*) { return OpenResult::timed_out; };
    assert_int_equal(bench.end_reason(), Reason::server_frozen);
    assert_true(bench.script->opened.size() > asked + 1);  // asked again before
  }
}

// The question waits behind another open until its time is over: the line lives, but nothing proves it.
static void a_question_that_is_never_sent_leaves_no_proof(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 400ms;
  bench.site.timing.probe_patience = 100ms;
  bench.add_remote();
  bool on_the_wire = false;
  bench.script->answer = [&](const core::Endpoint* to) -> std::optional<OpenResult> {
    if (!to || to->port != 5432) return OpenResult::opened;
    on_the_wire = true;
    return std::nullopt;
  };
  bench.begin_until_ready();
  const auto peer = bench.peer();
  bench.meanwhile = [&] {
    bench.serve();
    test::send_text(peer.get(), ".");
  };
  bench.site.timing.proof_age = 50ms;
  bench.line->session().opener().open(core::Endpoint{"db.example", 5432}, 1h,
                                      [](OpenResult, ssh::ChannelPtr) {});
  bench.until("the open is on the wire", [&] { return on_the_wire; });
  bench.until("the proof is gone", [&] { return bench.statuses[0].proof == Proof::none || bench.ended; });
  assert_false(bench.ended);
}

static void a_black_holed_local_target_does_not_end_the_line(void**) {
  Bench bench;
  bench.add_local();
  bench.add_remote();
  bench.script->answer = [](const core::Endpoint* to) -> std::optional<OpenResult> {
    if (to && to->port == 5432) return std::nullopt;
    return OpenResult::opened;
  };
  bench.site.timing.probe_silence = 400ms;
  bench.begin();
  const auto peer = bench.peer();
  int answered = 0;
  bench.meanwhile = [&] {
    bench.serve();
    for (; answered < bench.script->asks; ++answered) test::send_text(peer.get(), ".");
  };
  // The nonce of the remote forward waits behind the open that hangs, and is not judged meanwhile: the server
  // gives signs of life.
  bench.until("it is asked past the open", [&] { return answered >= 3 || bench.ended; });
  assert_false(bench.ended);
  bench.site.timing.probe_silence = 1h;
  bench.turns(100);  // the window that runs is the last short one
  bench.script->answer = [](const core::Endpoint* to) {
    return to && to->port == 5432 ? OpenResult::connect_failed : OpenResult::opened;
  };
  bench.until("the first round is over", [&] { return bench.ready || bench.ended; });
  assert_false(bench.ended);
  assert_int_equal(bench.statuses[0].proof, Proof::none);
  assert_int_equal(bench.statuses[1].proof, Proof::probe);
}

// The server froze while somebody's open was under way (a client's, a health check's), and the probe waits
// behind it for as long as libssh2 does: 60 s with 1.10.
static void a_frozen_server_is_seen_behind_an_open_that_is_under_way(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 400ms;
  bench.add_remote();
  bool on_the_wire = false;
  bench.script->answer = [&](const core::Endpoint* to) -> std::optional<OpenResult> {
    if (!to || to->port != 5432) return OpenResult::opened;
    on_the_wire = true;
    return std::nullopt;
  };
  bench.begin_until_ready();
  bench.line->session().opener().open(core::Endpoint{"db.example", 5432}, 1h,
                                      [](OpenResult, ssh::ChannelPtr) {});
  bench.until("the open is on the wire", [&] { return on_the_wire; });
  assert_int_equal(bench.end_reason(), Reason::server_frozen);
  assert_true(bench.script->asks > 0);
}

// It was this process that slept (stopped, suspended, starved), and the answer waits in the socket.
static void a_process_that_stood_still_does_not_blame_the_server(void**) {
  Bench bench;
  bench.add_remote();
  bench.site.timing.probe_silence = 1s;
  bench.silence();
  bench.begin();
  const auto peer = bench.peer();
  bench.until("the probe is out", [&] { return bench.script->opens_under_way == 1; });
  bool slept = false;
  loop::Deferred sleep(bench.loop, "sleep", [&] {  // after the loop has polled, where a stopped process wakes
    test::send_text(peer.get(), "the answer");
    bench.script->answer = [](const core::Endpoint*) { return OpenResult::opened; };
    bench.site.timing.probe_silence = 1h;
    ::usleep(1'200'000);
    slept = true;
  });
  sleep.schedule();
  bench.until("it goes on", [&] { return slept && (bench.ready || bench.ended); });
  assert_false(bench.ended);
  assert_int_equal(bench.statuses[0].proof, Proof::probe);
}

static void a_busy_line_is_proven_again_when_its_proof_is_old(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.site.timing.proof_age = 50ms;
  bench.add_remote();
  bench.begin_until_ready();
  const auto peer = bench.peer();
  bench.meanwhile = [&] {
    bench.serve();
    test::send_text(peer.get(), ".");
  };
  bench.until("it crosses again", [&] { return bench.crossings >= 3; });
}

// A line of local forwards with no stream open: nobody reads what the server sent last, and still its end is
// the end.
static void an_end_behind_bytes_that_nobody_reads_is_seen(void**) {
  Bench bench;
  bench.site.timing.probe_tick = 1h;
  bench.site.timing.probe_silence = 1h;
  bench.add_local();
  bench.begin_until_ready();
  auto peer = bench.peer();
  bench.script->reads = false;
  test::send_text(peer.get(), "a CLOSE of the last probe");
  bench.turns(5);
  peer.reset();
  assert_int_equal(bench.end_reason(), Reason::connection_closed);
}

static void a_line_that_closes_says_goodbye_and_shows_nothing_any_more(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_remote();
  bench.begin_until_ready();
  bench.line->close();
  assert_true(bench.script->said_goodbye);
  bench.turns(10);
  assert_false(bench.ended);
  bench.line.reset();
  assert_false(bench.script->alive);
  assert_false(bench.statuses[0].listening);
  assert_int_equal(bench.statuses[0].proof, Proof::none);
}

static void a_line_may_die_in_the_middle_of_a_probe(void**) {
  Bench bench;
  bench.site.timing.probe_silence = 1h;
  bench.add_remote();
  bench.silence();
  bench.begin();
  bench.until("the probe is out", [&] { return bench.script->opens_under_way == 1; });
  bench.line.reset();
  bench.turns(5);
  assert_false(bench.ready || bench.ended);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_nonce_that_comes_back_proves_a_remote_forward),
      cmocka_unit_test(a_quiet_line_is_asked_again_at_every_tick),
      cmocka_unit_test(a_silent_tick_is_followed_by_a_question),
      cmocka_unit_test(a_target_that_the_server_reaches_proves_a_local_forward),
      cmocka_unit_test(a_local_target_that_does_not_answer_leaves_the_line_alone),
      cmocka_unit_test(a_frozen_server_is_seen_though_no_local_target_answers),
      cmocka_unit_test(a_local_target_that_comes_up_is_proven_later),
      cmocka_unit_test(a_forbidden_probe_leaves_no_proof_and_asks_for_liveness_instead),
      cmocka_unit_test(any_answer_to_a_session_channel_is_a_sign_of_life),
      cmocka_unit_test(a_forbidden_line_that_goes_silent_is_a_frozen_server),
      cmocka_unit_test(nothing_listening_behind_the_grant_loses_the_line),
      cmocka_unit_test(no_answer_and_no_byte_is_a_frozen_server),
      cmocka_unit_test(a_nonce_that_does_not_come_back_is_a_failed_probe),
      cmocka_unit_test(a_nonce_that_is_held_up_crosses_all_the_same),
      cmocka_unit_test(a_probe_that_may_have_been_passed_on_is_asked_again),
      cmocka_unit_test(a_probe_that_never_comes_back_is_not_asked_for_ever),
      cmocka_unit_test(a_proven_line_that_dies_is_given_up),
      cmocka_unit_test(while_bytes_arrive_there_is_patience_but_not_for_ever),
      cmocka_unit_test(an_open_that_the_library_gives_up_is_no_answer),
      cmocka_unit_test(a_question_that_is_never_sent_leaves_no_proof),
      cmocka_unit_test(a_black_holed_local_target_does_not_end_the_line),
      cmocka_unit_test(a_frozen_server_is_seen_behind_an_open_that_is_under_way),
      cmocka_unit_test(a_process_that_stood_still_does_not_blame_the_server),
      cmocka_unit_test(a_busy_line_is_proven_again_when_its_proof_is_old),
      cmocka_unit_test(an_end_behind_bytes_that_nobody_reads_is_seen),
      cmocka_unit_test(a_line_that_closes_says_goodbye_and_shows_nothing_any_more),
      cmocka_unit_test(a_line_may_die_in_the_middle_of_a_probe),
  };
  return cmocka_run_group_tests_name("prover", tests, nullptr, nullptr);
}
