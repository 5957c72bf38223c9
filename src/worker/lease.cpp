#include "worker/lease.hpp"

#include <algorithm>
#include <utility>

#include "base/failpoint.hpp"

namespace fairlead::worker {

namespace {

constexpr base::Millis kTryAgain{2'000};

// Between the end of a lease here and in the store: two clocks that run at their own pace, and the kill.
base::Millis margin(base::Millis length) {
  return std::max(length / 10, base::Millis(500));
}

}  // namespace

const char* to_string(Lease::State state) {
  constexpr const char* kNames[] = {"none", "registering", "live", "lapsed"};
  return kNames[static_cast<std::size_t>(state)];
}

Lease::Lease(loop::Loop& loop, base::Log& log, core::TaskStore& store, core::WorkerInfo info,
             base::Millis length, Events events)
    : log_(log),
      store_(store),
      info_(std::move(info)),
      length_(length),
      events_(std::move(events)),
      beat_timer_(loop, "worker-beat", [this] { is_live() ? beat() : register_now(); }),
      watch_timer_(loop, "worker-lease", [this] { on_time(); }) {}

void Lease::enter(State next) {
  if (state_ == next) return;
  log_.debug("worker_lease", {{"worker", info_.name}, {"from", to_string(state_)}, {"to", to_string(next)}});
  state_ = next;
}

void Lease::begin() {
  enter(State::registering);
  register_now();
}

void Lease::end() {
  enter(State::none);
  beat_timer_.stop();
  watch_timer_.stop();
}

void Lease::set_info(core::WorkerInfo info, base::Millis length) {
  const bool other = !(info == info_);
  info_ = std::move(info);
  length_ = length;
  if (other) register_anew();
}

void Lease::retry_now() {
  if (state_ == State::none) return;
  is_live() ? beat() : register_now();
}

void Lease::beat_now() {
  if (is_live()) beat();
}

void Lease::register_anew() {
  if (state_ != State::live) return;  // it will be
  anew_ = true;
  register_now();
}

void Lease::register_now() {
  if (beating_) return;
  beating_ = true;
  beat_timer_.stop();
  ousted_ ? look_for_other() : send_registration();
}

void Lease::look_for_other() {
  store_.workers([this](const base::Result<std::vector<core::WorkerRecord>>& workers) {
    beating_ = false;
    if (state_ == State::none) return;
    if (!workers) return beat_timer_.start(kTryAgain);
    ousted_ = std::any_of(workers->begin(), workers->end(), [this](const core::WorkerRecord& worker) {
      return worker.info.name == info_.name && worker.incarnation != key_.incarnation &&
             worker.state != core::WorkerState::offline;
    });
    if (!ousted_) return register_now();
    if (!std::exchange(told_ousted_, true))
      log_.error("worker_name_taken",
                 {{"worker", info_.name},
                  {"hint", "another daemon works under this name: give one of them another `worker.name`"}});
    beat_timer_.start(length_ / 3);
  });
}

void Lease::send_registration() {
  const auto sent = base::BootClock::now();
  store_.register_worker(info_, length_, events_.keeps(), [this, sent](base::Result<core::WorkerKey> key) {
    on_registered(std::move(key), sent);
  });
  base::failpoint(base::Failpoint::register_sent);
}

void Lease::on_registered(base::Result<core::WorkerKey> key, base::BootTime sent) {
  beating_ = false;
  if (state_ == State::none) return;
  if (!key) {
    log_.debug("worker_not_registered", {{"worker", info_.name}, {"error", key.error().text()}});
    return beat_timer_.start(kTryAgain);
  }
  base::failpoint(base::Failpoint::register_answered);
  key_ = std::move(*key);
  anew_ = false;
  told_ousted_ = false;
  enter(State::live);
  hold_until(sent);
  log_.info("worker_registered", {{"worker", key_.name}, {"incarnation", key_.incarnation}});
  events_.live();
}

void Lease::beat() {
  if (beating_) return;
  base::failpoint(base::Failpoint::beat_before);
  beating_ = true;
  beat_timer_.stop();
  const auto sent = base::BootClock::now();
  store_.beat({key_, length_},
              [this, sent](base::Result<core::BeatOutcome> outcome) { on_beat(std::move(outcome), sent); });
  base::failpoint(base::Failpoint::beat_sent);
}

void Lease::on_beat(base::Result<core::BeatOutcome> outcome, base::BootTime sent) {
  beating_ = false;
  if (state_ == State::none) return;
  if (!is_live()) return register_now();
  if (!outcome) {
    log_.debug("worker_not_renewed", {{"worker", key_.name}, {"error", outcome.error().text()}});
    return beat_timer_.start(std::min(kTryAgain, length_ / 6));
  }
  base::failpoint(base::Failpoint::beat_answered);
  if (!outcome->lease_live) return refused();
  hold_until(sent);
  events_.renewed(*outcome);
}

// The next beat a third of the lease later; `ending` when a sixth of it is left.
void Lease::hold_until(base::BootTime sent) {
  until_ = sent + length_ - margin(length_);
  told_ending_ = false;
  beat_timer_.start(length_ / 3);
  watch_timer_.start(std::max(base::Millis(0), until_ - length_ / 6 - base::BootClock::now()));
}

void Lease::on_time() {
  const auto left = until_ - base::BootClock::now();
  if (left > base::Millis(0)) {
    watch_timer_.start(left);
    if (!std::exchange(told_ending_, true)) events_.ending();
    return;
  }
  refused();
}

void Lease::refused() {
  if (state_ != State::live) return;
  log_.warn("worker_lease_lost", {{"worker", key_.name}, {"incarnation", key_.incarnation}});
  ousted_ = !anew_ && base::BootClock::now() < until_;
  watch_timer_.stop();
  enter(State::lapsed);
  if (!beating_) beat_timer_.start(base::Millis(0));
  events_.lapsed();
}

}  // namespace fairlead::worker
