#include "app/queue_view.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::app {

namespace {

constexpr int kRest = 20;  // times what the last reading took, before the next
constexpr base::Millis kMostRest{30'000};

}  // namespace

void QueueView::with_fresh(base::Millis most, std::function<void()> then) {
  if (read_at_) {
    const auto took = std::chrono::ceil<base::Millis>(*read_at_ - asked_at_);
    const auto enough = std::max(most, std::min(kRest * took, kMostRest));
    if (base::steady_now() - *read_at_ <= enough) return then();
  }
  waiting_.push_back(std::move(then));
  if (reading_ > 0) return;
  reading_ = 2;
  asked_at_ = base::steady_now();
  store_.stats([this](base::Result<core::QueueStats> stats) {
    if (stats) stats_ = std::move(*stats);
    arrived();
  });
  store_.workers([this](base::Result<std::vector<core::WorkerRecord>> workers) {
    if (workers) workers_ = std::move(*workers);
    arrived();
  });
}

void QueueView::arrived() {
  if (--reading_ > 0) return;
  read_at_ = base::steady_now();
  for (const auto& then : std::exchange(waiting_, {})) then();
}

std::uint64_t QueueView::queued() const {
  std::uint64_t count = 0;
  for (const auto& row : stats_.rows)
    if (row.state == core::TaskState::queued) count += row.count;
  return count;
}

std::vector<std::string> QueueView::workers_for(const core::TaskEnvelope& task) const {
  std::vector<std::string> names;
  for (const auto& worker : workers_) {
    const auto& able = worker.info.capabilities;
    const bool there = task.target.empty() || task.target == "site:" + worker.info.site ||
                       task.target == "node:" + worker.info.node;
    if (there && !worker.draining && worker.state != core::WorkerState::offline &&
        std::find(able.begin(), able.end(), task.capability) != able.end())
      names.push_back(worker.info.name);
  }
  return names;
}

}  // namespace fairlead::app
