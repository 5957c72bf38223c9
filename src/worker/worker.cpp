#include "worker/worker.hpp"

#include <algorithm>
#include <utility>

#include "base/failpoint.hpp"

namespace fairlead::worker {

Worker::Worker(Parts parts, const core::WorkerSettings& settings, std::string version)
    : parts_(std::move(parts)),
      settings_(settings),
      version_(std::move(version)),
      site_{parts_.log, parts_.executors, parts_.policy, parts_.on_output,
            [this](core::TaskId id) {
              finished_.push_back(id);
              collect_.schedule();
            }},
      lease_(parts_.loop, parts_.log, parts_.store, info(version_), settings.lease,
             {[this] { return under_way(); }, [this] { on_live(); },
              [this](const core::BeatOutcome& outcome) { on_renewed(outcome); },
              [this] { stop_what_must_not_go_on(); }, [this] { stop_what_must_not_go_on(); }}),
      random_(base::random_seed()),
      pump_(parts_.loop, "worker-pump", [this] { pump(); }),
      collect_(parts_.loop, "worker-collect", [this] { collect(); }),
      poll_(parts_.loop, "worker-poll", [this] { on_hint(); }),
      told_(parts_.loop, "worker-started", [this] { wake(); }),
      refused_timer_(parts_.loop, "worker-refused", [this] { try_refused(); }),
      give_up_(parts_.loop, "worker-stop", [this] { go_on_stopping(); }) {}

Worker::~Worker() = default;

core::WorkerInfo Worker::info(const std::string& version) const {
  return {settings_.name, settings_.site,        settings_.node,          settings_.capabilities,
          version,        settings_.concurrency, settings_.per_capability};
}

void Worker::begin() {
  lease_.begin();
}

void Worker::on_store() {
  if (parts_.store.status().state == core::StoreStatus::State::open) lease_.retry_now();
  wake();
}

void Worker::on_hint() {
  hinted_ = true;
  wake();
}

void Worker::set_settings(const core::WorkerSettings& settings) {
  settings_ = settings;
  lease_.set_info(info(version_), settings_.lease);
  on_hint();
}

// All that is at work here, or has ended and is not reported yet; the store knows which of them may go on.
std::vector<core::Started> Worker::under_way() const {
  std::vector<core::Started> claims;
  for (const auto& [id, attempt] : attempts_) claims.push_back({id, attempt->task().epoch});
  for (const auto& report : reports_) claims.push_back({report.id, report.epoch});
  for (const auto& report : refused_) claims.push_back({report.id, report.epoch});
  for (const auto& exchange : exchanges_)
    for (const auto& report : exchange.reports) claims.push_back({report.id, report.epoch});
  return claims;
}

void Worker::on_live() {
  draining_ = false;  // the first beat tells
  on_hint();
  lease_.beat_now();
}

void Worker::on_renewed(const core::BeatOutcome& outcome) {
  for (const auto& [id, attempt] : attempts_)
    if (own_ends_.count(id) == 0) attempt->renew_lease(lease_.until());
  if (std::exchange(draining_, outcome.draining) != outcome.draining) on_hint();
  obey(outcome.stops);
}

// The lease is about to end, or has: only claims with an end of their own may go on.
void Worker::stop_what_must_not_go_on() {
  for (const auto& [id, attempt] : attempts_)
    if (own_ends_.count(id) == 0) attempt->stop(Attempt::StopAs::handed_back);
}

void Worker::obey(const std::vector<core::StopRequest>& stops) {
  for (const auto& stop : stops) {
    const auto found = attempts_.find(stop.id);
    if (found == attempts_.end() || found->second->task().epoch != stop.epoch) continue;
    found->second->stop(stop.cancel ? Attempt::StopAs::cancelled : Attempt::StopAs::handed_back);
  }
}

void Worker::wake() {
  pump_.schedule();
}

// All times are the store's.
void Worker::count_claim(const core::TaskRecord& task) {
  ++counters_.claimed;
  if (task.attempt > 1 || !task.claimed_at) return;
  const auto wait =
      *task.claimed_at - std::max(task.submitted_at, task.envelope.run_at.value_or(task.submitted_at));
  ++counters_.first_claims;
  counters_.wait_time += std::max(std::chrono::duration_cast<base::Millis>(wait), base::Millis(0));
}

void Worker::begin_attempt(core::Claimed claimed) {
  const auto id = claimed.task.id;
  auto until = lease_.until();
  if (claimed.own_end) {
    until = base::BootClock::now() + *claimed.own_end;
    own_ends_[id] = until;
  }
  count_claim(claimed.task);
  auto& attempt = attempts_[id];
  attempt = std::make_unique<Attempt>(site_, std::move(claimed.task), until);
  base::failpoint(base::Failpoint::child_before);
  attempt->begin();
  base::failpoint(base::Failpoint::child_asked);
}

void Worker::collect() {
  for (const auto id : std::exchange(finished_, {})) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) continue;
    auto report = found->second->take_report();
    ++counters_.ended[static_cast<std::size_t>(report.outcome)];
    counters_.run_time +=
        std::chrono::duration_cast<base::Millis>(base::steady_now() - found->second->began());
    reports_.push_back(std::move(report));
    attempts_.erase(found);
    own_ends_.erase(id);
  }
  wake();
}

void Worker::stop(std::function<void()> done) {
  stopped_ = std::move(done);
  give_up_.start(settings_.stop_deadline);
  wake();
}

// Called when there is nothing to exchange, and at the stop's deadlines.
void Worker::go_on_stopping() {
  if (!stopped_ || leaving_) return;
  const bool late = !give_up_.active();
  if (!attempts_.empty() || !reports_.empty() || !exchanges_.empty()) {
    if (!late && lease_.is_live()) return;
    const bool asked = std::exchange(asked_to_end_, true);
    for (const auto& [id, attempt] : attempts_) attempt->stop(Attempt::StopAs::handed_back);
    if (!asked) return give_up_.start(kHandBack);
    if (!late) return;
  }
  leaving_ = true;
  attempts_.clear();
  const auto leave = [this] {
    const auto stopped = std::exchange(stopped_, nullptr);
    stopped();  // may destroy this
  };
  if (!lease_.is_live()) {
    lease_.end();
    return leave();
  }
  const auto key = lease_.key();
  lease_.end();
  parts_.store.leave(key, [leave](const base::Result<>&) { leave(); });
}

}  // namespace fairlead::worker
