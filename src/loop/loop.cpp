#include "loop/loop.hpp"

#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace fairlead::loop {

// The check handle runs the deferred functions right after the poll phase; the idle handle is active only
// while some are waiting, and keeps the poll phase from sleeping. Neither keeps the loop alive by itself.
struct Loop::Plumbing {
  uv_check_t check;
  uv_idle_t idle;
  uv_prepare_t prepare;
};

Loop::Loop() : loop_(std::make_unique<uv_loop_t>()), plumbing_(std::make_unique<Plumbing>()) {
  if (uv_loop_init(loop_.get()) != 0) std::abort();
  uv_check_init(loop_.get(), &plumbing_->check);
  uv_idle_init(loop_.get(), &plumbing_->idle);
  uv_prepare_init(loop_.get(), &plumbing_->prepare);
  plumbing_->check.data = plumbing_->idle.data = plumbing_->prepare.data = this;
  uv_check_start(&plumbing_->check,
                 [](uv_check_t* handle) { static_cast<Loop*>(handle->data)->run_deferred(); });
  uv_prepare_start(&plumbing_->prepare,
                   [](uv_prepare_t* handle) { ++static_cast<Loop*>(handle->data)->turns_; });
  uv_unref(reinterpret_cast<uv_handle_t*>(&plumbing_->check));
  uv_unref(reinterpret_cast<uv_handle_t*>(&plumbing_->prepare));
}

Loop::~Loop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&plumbing_->check), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&plumbing_->idle), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&plumbing_->prepare), nullptr);
  for (int i = 0; i < 4; ++i) uv_run(loop_.get(), UV_RUN_NOWAIT);  // lets the close callbacks run
  if (!open_.empty() || uv_loop_close(loop_.get()) != 0) {
    std::fputs("loop destroyed with open handles:", stderr);
    for (const auto& [name, count] : open_) std::fprintf(stderr, " %s=%d", name.c_str(), count);
    std::fputc('\n', stderr);
    std::abort();
  }
}

void Loop::run() {
  uv_run(loop_.get(), UV_RUN_DEFAULT);
}
void Loop::stop() {
  uv_stop(loop_.get());
}

base::Result<> Loop::drain(base::Millis deadline) {
  const auto end = base::steady_now() + deadline;
  bool alarm_closed = false;
  uv_timer_t alarm;  // bounds the sleep of each turn
  alarm.data = &alarm_closed;
  uv_timer_init(loop_.get(), &alarm);
  uv_timer_start(&alarm, [](uv_timer_t*) {}, 10, 10);
  while ((!open_.empty() || !ready_.empty()) && base::steady_now() < end) uv_run(loop_.get(), UV_RUN_ONCE);
  uv_close(reinterpret_cast<uv_handle_t*>(&alarm),
           [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
  while (!alarm_closed) uv_run(loop_.get(), UV_RUN_NOWAIT);
  if (open_.empty()) return base::success();
  std::string names;
  for (const auto& [name, count] : open_) names += " " + name + "=" + std::to_string(count);
  return base::Error{base::Code::timed_out, "handles still open:" + names, {}};
}

base::SteadyTime Loop::now() const {
  return base::SteadyTime(base::Millis(uv_now(loop_.get())));
}

void Loop::watch_stalls(base::Millis limit, StallReport report) {
  stall_limit_ = limit;
  stall_report_ = std::move(report);
}

void Loop::report_stall(const char* name, base::SteadyTime start) noexcept {
  const auto took = std::chrono::duration_cast<base::Millis>(base::steady_now() - start);
  if (took > stall_limit_) stall_report_(name, took);
}

std::map<std::string, int> Loop::open_handles() const {
  return open_;
}

void Loop::closed(const char* name) {
  const auto found = open_.find(name);
  if (found != open_.end() && --found->second == 0) open_.erase(found);
}

void Loop::enqueue(Deferred* deferred) {
  ready_.push_back(deferred);
  if (ready_.size() == 1) uv_idle_start(&plumbing_->idle, [](uv_idle_t*) {});
}

void Loop::forget(Deferred* deferred) {
  std::replace(ready_.begin(), ready_.end(), deferred, static_cast<Deferred*>(nullptr));
  std::replace(running_.begin(), running_.end(), deferred, static_cast<Deferred*>(nullptr));
}

void Loop::run_deferred() {
  running_.swap(ready_);
  uv_idle_stop(&plumbing_->idle);
  for (std::size_t i = 0; i < running_.size(); ++i) {  // by index: a function may null a later entry
    Deferred* deferred = running_[i];
    if (deferred == nullptr) continue;
    running_[i] = nullptr;
    deferred->scheduled_ = false;
    call(deferred->name_, [&] { deferred->function_(); });
  }
  running_.clear();
}

Deferred::Deferred(Loop& loop, const char* name, std::function<void()> function)
    : loop_(loop), name_(name), function_(std::move(function)) {}

Deferred::~Deferred() {
  cancel();
}

void Deferred::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  loop_.enqueue(this);
}

void Deferred::cancel() {
  if (!scheduled_) return;
  scheduled_ = false;
  loop_.forget(this);
}

void end_threads() {
  uv_library_shutdown();
}

}  // namespace fairlead::loop
