// What a Worker says to the store and gets from it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/failpoint.hpp"
#include "worker/worker.hpp"

namespace fairlead::worker {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
constexpr base::Millis kMoment = 100ms;       // shorter tasks are reported as started and ended in one
constexpr base::Millis kStoreAway = 1s;       // before a failed exchange is tried again
constexpr base::Millis kRefused = 5s;         // before a report that the store cannot take is tried again
constexpr base::Millis kPollWithHints = 60s;  // a hint got lost
constexpr base::Millis kPollWithout = 1s;
// Where there is much to do a second exchange goes out before the first is answered, so that store and worker
// are busy at the same time; neither claims more than this, so that both stay of a size. Smaller ones would
// only share the commits of one.
constexpr int kShare = 128;

}  // namespace

// What each capability may still start, beside what is being claimed.
std::vector<core::ClaimSlots> Worker::free_slots(int& most) const {
  std::vector<core::ClaimSlots> slots;
  std::map<std::string_view, int> busy;
  int taken = static_cast<int>(attempts_.size());
  for (const auto& [id, attempt] : attempts_) ++busy[core::capability_of(attempt->task().route)];
  for (const auto& exchange : exchanges_) {
    taken += exchange.most;
    for (const auto& slot : exchange.slots) busy[core::capability_of(slot.routes.front())] += slot.most;
  }
  most = stopped_ || draining_ ? 0 : std::clamp(settings_.concurrency - taken, 0, kShare);
  if (most == 0) return slots;
  for (const auto& capability : settings_.capabilities) {
    const auto limit = settings_.per_capability.find(capability);
    const int free =
        limit == settings_.per_capability.end() ? most : std::min(most, limit->second - busy[capability]);
    if (free <= 0) continue;
    core::ClaimSlots slot{
        {core::route_of(capability, ""), core::route_of(capability, "node:" + settings_.node),
         core::route_of(capability, "worker:" + settings_.name)},
        free};
    if (!settings_.site.empty()) slot.routes.push_back(core::route_of(capability, "site:" + settings_.site));
    slots.push_back(std::move(slot));
  }
  if (slots.empty()) most = 0;
  return slots;
}

std::vector<core::Started> Worker::started_now() {
  std::vector<core::Started> started;
  const auto now = base::steady_now();
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->started_told || attempt->phase() == Attempt::Phase::finished) continue;
    if (now - attempt->began() < kMoment) {
      if (!told_.active()) told_.start(kMoment);
      continue;
    }
    started.push_back({id, attempt->task().epoch});
  }
  return started;
}

void Worker::pump() {
  if (!lease_.is_live() || claim_lost_) return go_on_stopping();
  core::Exchange exchange;
  while (fill(exchange)) send(std::move(exchange));
  if (exchanges_.empty()) go_on_stopping();
}

// False: nothing to say now.
bool Worker::fill(core::Exchange& exchange) {
  const bool second = !exchanges_.empty();
  if (second && (!plenty_ || singly_ > 0 || exchanges_.size() > 1)) return false;
  exchange = {lease_.key(), started_now(), {}, {}, 0};
  exchange.slots = free_slots(exchange.most);
  const int size = static_cast<int>(reports_.size()) + exchange.most;
  if (second) return size >= kShare;
  const bool may_get_something = hinted_ && (exchange.most > 0 || !attempts_.empty());
  return !reports_.empty() || !exchange.started.empty() || may_get_something;
}

void Worker::send(core::Exchange exchange) {
  if (singly_ > 0 && !reports_.empty()) {
    --singly_;
    exchange.slots.clear();
    exchange.most = 0;
    exchange.reports.push_back(std::move(reports_.front()));
    reports_.erase(reports_.begin());
  } else {
    singly_ = 0;
    exchange.reports = std::exchange(reports_, {});
    hinted_ = false;
  }
  if (!exchange.reports.empty()) base::failpoint(base::Failpoint::report_before);
  const bool reports = !exchange.reports.empty();
  const auto place = exchanges_.insert(exchanges_.end(), exchange);
  parts_.store.exchange(std::move(exchange), [this, place](base::Result<core::ExchangeOutcome> outcome) {
    auto sent = std::move(*place);
    exchanges_.erase(place);
    on_exchanged(std::move(sent), std::move(outcome));
  });
  base::failpoint(base::Failpoint::exchange_sent);
  if (reports) base::failpoint(base::Failpoint::report_sent);
}

void Worker::on_exchanged(core::Exchange sent, base::Result<core::ExchangeOutcome> outcome) {
  if (!outcome) return on_exchange_failed(std::move(sent), outcome.error());
  for (const auto& started : sent.started)
    if (const auto found = attempts_.find(started.id); found != attempts_.end())
      found->second->started_told = true;
  if (!sent.reports.empty()) base::failpoint(base::Failpoint::report_answered);
  settle_reports(sent, outcome->reports);
  if (!sent.reports.empty()) base::failpoint(base::Failpoint::report_settled);
  if (!outcome->claimed.empty()) base::failpoint(base::Failpoint::claim_answered);
  parts_.on_changes(outcome->changes);
  if (!outcome->lease_live && sent.worker.incarnation == lease_.key().incarnation) {
    lease_.refused();
    return settle_claims();
  }
  // As many as were asked for: there may be more where they came from.
  if (sent.most > 0) {
    plenty_ = static_cast<int>(outcome->claimed.size()) >= sent.most;
    hinted_ = hinted_ || plenty_;
  }
  for (auto& claimed : outcome->claimed) begin_attempt(std::move(claimed));
  obey(outcome->stops);
  await_news();
  settle_claims();
  wake();
}

// What it said is said again; whether the store has taken it is not known, and does not matter.
void Worker::on_exchange_failed(core::Exchange sent, const base::Error& error) {
  // A store that is away says so itself; anything else would be said again for ever, and nobody would know.
  const bool away = error.code == base::Code::unavailable;
  parts_.log.write(away ? base::Level::debug : base::Level::error, "worker_exchange_failed",
                   {{"reports", sent.reports.size()}, {"error", error.text()}});
  if (away || error.code == base::Code::io || sent.reports.empty()) {
    say_again(std::move(sent.reports));
  } else if (sent.reports.size() > 1) {  // it may be one of them: the others must not wait for it
    singly_ += sent.reports.size();
    say_again(std::move(sent.reports));
  } else {
    refused_.push_back(std::move(sent.reports.front()));
    refused_timer_.start(kRefused);
  }
  hinted_ = true;
  if (sent.most > 0) claim_lost_ = true;
  settle_claims();
  poll_.start(kStoreAway);
  if (singly_ > 0) wake();
}

void Worker::say_again(std::vector<core::Report> reports) {
  reports_.insert(reports_.begin(), std::make_move_iterator(reports.begin()),
                  std::make_move_iterator(reports.end()));
}

void Worker::try_refused() {
  singly_ += refused_.size();
  say_again(std::exchange(refused_, {}));
  wake();
}

// The new incarnation keeps what is known to be at work, so no claim may be on its way.
void Worker::settle_claims() {
  if (exchanges_.empty() && std::exchange(claim_lost_, false)) lease_.register_anew();
}

void Worker::settle_reports(const core::Exchange& sent, const std::vector<core::ReportOutcome>& outcomes) {
  for (std::size_t i = 0; i < std::min(outcomes.size(), sent.reports.size()); ++i) {
    if (outcomes[i].accepted) continue;
    ++counters_.late;
    parts_.log.warn("task_report_late", {{"task", core::number(outcomes[i].id)},
                                         {"epoch", core::number(sent.reports[i].epoch)},
                                         {"state", core::to_string(outcomes[i].state)}});
  }
}

void Worker::await_news() {
  const bool told = parts_.store.status().hints.rfind("poll", 0) != 0;
  const auto period = told ? kPollWithHints : kPollWithout;
  poll_.start(base::Millis(random_.between(period.count() * 3 / 4, period.count() * 5 / 4)));
}

}  // namespace fairlead::worker
