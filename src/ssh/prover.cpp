#include "ssh/prover.hpp"

#include <utility>

#include "base/random.hpp"

namespace fairlead::ssh {

namespace {
// Where a client on the server would connect: the loopback address of a wildcard or "localhost" listener.
core::Endpoint probe_target(const core::Endpoint& listen) {
  core::Endpoint target = listen;
  if (listen.host.empty() || listen.host == "*" || listen.host == "localhost" || listen.host == "0.0.0.0")
    target.host = "127.0.0.1";
  if (listen.host == "::") target.host = "::1";
  return target;
}

}  // namespace

Prover::Prover(SessionSite& site, Session& session, std::vector<core::ForwardStatus>& statuses,
               std::vector<RemoteForward*> remotes, Handlers handlers)
    : site_(site),
      session_(session),
      statuses_(statuses),
      remotes_(std::move(remotes)),
      forbidden_(statuses.size(), false),
      handlers_(std::move(handlers)),
      silence_(site.loop, "probe-silence", [this] { on_silence(); }),
      tick_(site.loop, "probe-tick", [this] { on_tick(); }),
      first_round_done_(site.loop, "first-proof", [this] { handlers_.on_first_round(); }) {}

Prover::~Prover() {
  if (open_id_ != 0) session_.opener().cancel(open_id_);
}

bool Prover::can_prove(std::size_t index) const {
  return remotes_[index] != nullptr && !forbidden_[index];
}

void Prover::start() {
  proofs_asked_ = base::steady_now();
  for (std::size_t i = statuses_.size(); i > 0; --i) round_.push_back(i - 1);
  next_in_round();
  tick_.start_aligned(site_.timing.probe_tick);
}

void Prover::on_tick() {
  const auto bytes = session_.bytes_received();
  const bool silent = bytes == std::exchange(bytes_at_tick_, bytes);
  if (kind_ != Kind::none || first_round_) return;
  const bool old = base::steady_now() - proofs_asked_ >= site_.timing.proof_age;
  if (!silent && !old) return;  // bytes arrive: it lives
  if (old) proofs_asked_ = base::steady_now();
  for (std::size_t i = statuses_.size(); i > 0; --i) {
    const bool unproven_target = remotes_[i - 1] == nullptr && !forbidden_[i - 1] && old &&
                                 statuses_[i - 1].proof == core::Proof::none;
    // On a quiet line one forward's nonce tells that the line lives; all are proven when the proof is old.
    if (unproven_target || (can_prove(i - 1) && (old || round_.empty()))) round_.push_back(i - 1);
  }
  if (round_.empty())
    begin(Kind::liveness, 0);
  else
    next_in_round();
}

void Prover::next_in_round() {
  if (round_.empty()) {
    if (std::exchange(first_round_, false)) first_round_done_.schedule();
    return;
  }
  const std::size_t index = round_.back();
  round_.pop_back();
  begin(remotes_[index] != nullptr ? Kind::nonce : Kind::target, index);
}

void Prover::begin(Kind kind, std::size_t index) {
  kind_ = kind;
  index_ = index;
  began_ = base::steady_now();
  open();
  asked_ = waits_its_turn() && session_.ask();
  listen_for_answer();
}

void Prover::open() {
  std::optional<core::Endpoint> target;
  if (kind_ == Kind::target) target = statuses_[index_].forward.target;
  if (kind_ == Kind::nonce) {
    target = probe_target(statuses_[index_].forward.listen);
    base::secure_random(nonce_);
    // Before the open: the server may announce the connection before it confirms the channel that caused it.
    remotes_[index_]->expect(nonce_, [this] { on_crossed(); });
  }
  open_id_ = session_.opener().open(
      std::move(target), site_.timing.probe_patience + site_.timing.probe_silence,
      [this](OpenResult result, ChannelPtr channel) { on_opened(result, std::move(channel)); });
  session_.wake();
}

bool Prover::patient() const {
  return base::steady_now() - began_ < site_.timing.probe_patience;
}

// Somebody else's open is on the wire, and libssh2 knows only one at a time.
bool Prover::waits_its_turn() const {
  return open_id_ != 0 && session_.opener().behind_another(open_id_);
}

void Prover::on_opened(OpenResult result, ChannelPtr channel) {
  open_id_ = 0;
  if (result == OpenResult::timed_out || result == OpenResult::never_sent) return on_no_answer(result);
  if (kind_ == Kind::liveness) return finish();  // any answer is a sign of life
  if (result == OpenResult::opened && kind_ == Kind::nonce) return on_nonce_opened(std::move(channel));
  if (result == OpenResult::opened) return settle(core::Proof::probe);
  if (result == OpenResult::connect_failed && kind_ == Kind::nonce) {
    const auto target = probe_target(statuses_[index_].forward.listen);
    kind_ = Kind::none;
    return handlers_.on_lost(
        {core::Reason::probe_failed, "nothing answers on the server's " + core::to_string(target)});
  }
  if (result != OpenResult::connect_failed) forbidden_[index_] = true;
  settle(core::Proof::none);
}

// Other bytes arrived meanwhile, else on_silence() would have judged. libssh2 1.11 gives an open up after 15
// s, long before our patience ends: it is asked again. One that was never sent tells nothing of the line, but
// nothing proves the forward any more.
void Prover::on_no_answer(OpenResult result) {
  if (kind_ == Kind::liveness && result == OpenResult::never_sent) return finish();
  if (kind_ == Kind::target || result == OpenResult::never_sent) return settle(core::Proof::none);
  if (patient()) return open();
  kind_ = Kind::none;
  handlers_.on_lost({core::Reason::server_frozen, "no answer to a channel open"});
}

void Prover::on_nonce_opened(ChannelPtr channel) {
  channel_ = std::move(channel);
  bytes_at_sent_ = session_.bytes_received();
  remotes_[index_]->nonce_sent(std::chrono::duration_cast<base::Millis>(base::steady_now() - began_));
  // A fresh window takes 16 bytes; if not, the peer is odd and the silence will be judged.
  channel_->write(nonce_);
}

void Prover::on_crossed() {
  misses_ = 0;
  handlers_.on_crossed(std::chrono::duration_cast<base::Millis>(base::steady_now() - began_));
  settle(core::Proof::probe);
}

void Prover::settle(core::Proof proof) {
  auto& shown = statuses_[index_].proof;
  if (proof == core::Proof::probe) proofs_asked_ = base::steady_now();
  if (proof == core::Proof::probe || shown == core::Proof::probe)
    shown = proof;  // `none` does not undo traffic
  finish();
}

void Prover::finish() {
  silence_.stop();
  if (kind_ == Kind::nonce) remotes_[index_]->expect_nothing();
  if (open_id_ != 0) session_.opener().cancel(std::exchange(open_id_, 0));
  channel_.reset();
  kind_ = Kind::none;
  session_.wake();  // the probe channel's CLOSE goes out
  next_in_round();
}

Failure Prover::silence_failure() const {
  // Sent again and again, and not even the server's kernel acknowledges: TCP_USER_TIMEOUT would tell later.
  if (session_.tcp_state().retransmissions > 1)
    return {core::Reason::keepalive_lost, "nothing that was sent is acknowledged"};
  if (open_id_ != 0) return {core::Reason::server_frozen, "no answer, and no other byte"};
  return {core::Reason::probe_failed, "connected to the server's " +
                                          core::to_string(probe_target(statuses_[index_].forward.listen)) +
                                          ", but what was sent there did not come back"};
}

// A window of silence has two halves, each begun from the loop: where this process was the one that stood
// still (stopped, suspended, starved), the first half ends late, and what waited in the socket meanwhile is
// read within the second.
void Prover::listen_for_answer() {
  bytes_at_window_ = session_.bytes_received();
  last_half_ = false;
  silence_.start(site_.timing.probe_silence / 2);
}

// The server lived after the nonce had left, and a silent channel was passed on to the target: it may have
// been the probe's, held up on the way and closed since.
bool Prover::inconclusive() const {
  return kind_ == Kind::nonce && open_id_ == 0 && remotes_[index_]->let_one_go() &&
         session_.bytes_received() != bytes_at_sent_;
}

// The question has been out for a while. Bytes from the server since then prove nothing either way. A
// question that waits behind another open is not on the wire: that open may lead into a black hole, so the
// server is asked for a sign of life past it.
void Prover::on_silence() {
  const bool alive = session_.bytes_received() != bytes_at_window_;
  const bool queued = waits_its_turn();
  if (alive) asked_ = false;
  if (queued) began_ = base::steady_now();  // patience is for what is on the wire
  if (!alive && queued && !asked_) {
    asked_ = session_.ask();
    if (asked_) return listen_for_answer();
  }
  if (!alive && !std::exchange(last_half_, true)) return silence_.start(site_.timing.probe_silence / 2);
  if ((queued && !asked_) || (alive && patient())) return listen_for_answer();
  if (kind_ == Kind::target && !queued) {  // a black hole; the server need not be one
    forbidden_[index_] = true;             // and asking again would hold up the opens of clients each time
    return settle(core::Proof::none);
  }
  if (inconclusive() && ++misses_ < site_.timing.probe_misses) {
    round_.push_back(index_);
    return finish();
  }
  const Failure failure = silence_failure();
  kind_ = Kind::none;
  handlers_.on_lost(failure);
}

}  // namespace fairlead::ssh
