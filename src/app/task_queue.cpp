#include "app/task_queue.hpp"

#include <algorithm>
#include <utility>

#include "app/queue_metrics.hpp"
#include "app/read_within.hpp"
#include "exec/executors.hpp"

namespace fairlead::app {

namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
constexpr base::Millis kTendAtMost = 30s;  // between two looks at what is due, where nothing is known to be
constexpr base::Millis kTendAgain = 2s;    // after the store was away
constexpr base::Millis kSteady = 10min;    // so long a clock that may be wrong makes nothing old
constexpr base::Millis kReadWithin = 8s;   // clients wait for ten
constexpr base::Millis kLookAround = 60s;  // at the other workers, and for what is stuck

std::string text_of(core::TaskId id) {
  return std::to_string(core::number(id));
}

std::string_view name_of(core::TaskOrder order) {
  return order == core::TaskOrder::cancel    ? "task_cancel"
         : order == core::TaskOrder::requeue ? "task_requeue"
                                             : "task_retry";
}

std::string about(core::Pause::Scope scope, const std::string& name) {
  return std::string(core::to_string(scope)) + (name.empty() ? "" : " " + name);
}

}  // namespace

class TaskQueue::SettingsTicket final : public core::Ticket {
 public:
  SettingsTicket(TaskQueue& owner, core::ConfigPtr next, core::ExecutorRegistry executors)
      : owner_(owner), next_(std::move(next)), executors_(std::move(executors)) {}
  void commit() noexcept override {
    owner_.config_ = std::move(next_);
    owner_.executors_ = std::move(executors_);
    if (owner_.worker_) owner_.worker_->set_settings(owner_.config_->worker);
  }

 private:
  TaskQueue& owner_;
  core::ConfigPtr next_;
  core::ExecutorRegistry executors_;
};

TaskQueue::TaskQueue(Parts parts, std::unique_ptr<core::TaskStore> store, const core::ConfigPtr& config)
    : parts_(parts),
      config_(config),
      store_(std::move(store)),
      view_(*store_),
      watch_({parts.log, parts.events, parts.policy, parts.notify}),
      submissions_({parts.loop, *store_, parts.policy, executors_, view_}),
      random_(base::random_seed()),
      tend_timer_(parts.loop, "queue-tend", [this] { tend(); }),
      look_timer_(parts.loop, "queue-look", [this] { look_around(1s); }) {
  exec::add_executors(executors_, config->executors, parts.loop, parts.spawner);
  if (config->worker.enabled)
    worker_ = std::make_unique<worker::Worker>(
        worker::Worker::Parts{parts.loop, parts.log, *store_, executors_, &parts.policy,
                              [this](core::TaskId task, bool is_error, std::string_view bytes) {
                                on_output(task, is_error, bytes);
                              },
                              [this](const std::vector<core::TaskChange>& changes) { on_changes(changes); }},
        config->worker, FAIRLEAD_VERSION);
}

TaskQueue::~TaskQueue() = default;

void TaskQueue::begin() {
  store_->begin([this] { on_store(); },
                [this] {
                  if (worker_) worker_->on_hint();
                });
  if (worker_) worker_->begin();
  look_timer_.start_aligned(kLookAround);
}

void TaskQueue::stop(base::Millis store_deadline, std::function<void()> done) {
  tend_timer_.stop();
  look_timer_.stop();
  const auto close = [this, store_deadline, done = std::move(done)] { store_->stop(store_deadline, done); };
  if (worker_)
    worker_->stop(close);
  else
    close();
}

base::Millis TaskQueue::stop_takes() const {
  return worker_ ? worker_->settings().stop_deadline + worker::Worker::kHandBack : base::Millis(0);
}

void TaskQueue::on_store() {
  const auto status = store_->status();
  if (status.state != told_state_) {
    told_state_ = status.state;
    const auto level = status.state == core::StoreStatus::State::open ? base::Level::info : base::Level::warn;
    parts_.log.write(level, "store_state",
                     {{"backend", status.backend},
                      {"state", core::to_string(status.state)},
                      {"place", status.place},
                      {"hints", status.hints},
                      {"error", status.error}});
    if (status.state == core::StoreStatus::State::open) {
      tend();
      look_around(1s);
    }
  }
  if (worker_) worker_->on_store();
}

core::QueueStatus TaskQueue::queue_status() const {
  core::QueueStatus status;
  status.store = store_->status();
  if (!worker_) return status;
  status.worker = worker_->settings().name;
  status.worker_live = worker_->lease() == worker::Lease::State::live;
  status.draining = worker_->draining();
  status.running = static_cast<int>(worker_->running());
  status.concurrency = worker_->settings().concurrency;
  return status;
}

void TaskQueue::submit(base::JsonView envelopes, std::string_view key, const core::Caller& caller,
                       core::Answer<std::vector<base::Result<core::Submitted>>> done) {
  submissions_.submit(envelopes, key, caller,
                      [this, done = std::move(done)](base::Result<Submissions::Answers> answers) {
                        for (const auto& answer : *answers) ++(answer ? submitted_ : refused_);
                        done(std::move(answers));
                      });
}

void TaskQueue::find(core::TaskId id, core::Answer<core::TaskDetail> done) {
  store_->find(id, read_within(parts_.loop, kReadWithin, std::move(done)));
}

void TaskQueue::list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) {
  store_->list(std::move(filter), read_within(parts_.loop, kReadWithin, std::move(done)));
}

void TaskQueue::order(core::TaskId id, core::TaskOrder order, const core::Caller& caller,
                      core::Answer<core::OrderOutcome> done) {
  if (order != core::TaskOrder::retry) return give(id, order, caller, std::move(done));
  submissions_.may_repeat(id, caller, [this, id, order, caller, done = std::move(done)](base::Result<> may) {
    if (!may) return done(may.error());
    give(id, order, caller, done);
  });
}

void TaskQueue::give(core::TaskId id, core::TaskOrder order, const core::Caller& caller,
                     core::Answer<core::OrderOutcome> done) {
  store_->order(id, order, {caller.name, caller.caller_class, {}},
                [this, id, order, caller, done = std::move(done)](base::Result<core::OrderOutcome> outcome) {
                  if (outcome) {
                    note(caller, std::string(name_of(order)), "task " + text_of(id));
                    on_changes(outcome->changes);
                  }
                  done(std::move(outcome));
                });
}

void TaskQueue::pause(core::Pause pause, const core::Caller& caller, core::Answer<base::Unit> done) {
  pause.actor = caller.name;
  std::string detail = about(pause.scope, pause.name);
  if (pause.until) detail += " until " + base::iso8601(*pause.until);
  if (!pause.why.empty()) detail += ": " + pause.why;
  store_->pause(std::move(pause), [this, caller, detail, done = std::move(done)](base::Result<> paused) {
    if (paused) note(caller, "queue_pause", detail);
    done(std::move(paused));
  });
}

void TaskQueue::resume(core::Pause::Scope scope, std::string name, const core::Caller& caller,
                       core::Answer<base::Unit> done) {
  const auto detail = about(scope, name);
  store_->resume(scope, std::move(name),
                 [this, caller, detail, done = std::move(done)](base::Result<> resumed) {
                   if (resumed) {
                     note(caller, "queue_resume", detail);
                     tend();
                   }
                   done(std::move(resumed));
                 });
}

void TaskQueue::pauses(core::Answer<std::vector<core::Pause>> done) {
  store_->pauses(read_within(parts_.loop, kReadWithin, std::move(done)));
}

void TaskQueue::stats(core::Answer<core::QueueStats> done) {
  store_->stats(read_within(parts_.loop, kReadWithin, std::move(done)));
}

void TaskQueue::workers(core::Answer<std::vector<core::WorkerRecord>> done) {
  store_->workers(read_within(parts_.loop, kReadWithin, std::move(done)));
}

void TaskQueue::drain(std::string worker, bool draining, const core::Caller& caller,
                      core::Answer<base::Unit> done) {
  store_->drain(worker, draining,
                [this, worker, draining, caller, done = std::move(done)](base::Result<> drained) {
                  if (drained) note(caller, draining ? "worker_drain" : "worker_undrain", worker);
                  done(std::move(drained));
                });
}

void TaskQueue::note(const core::Caller& caller, std::string event, std::string detail) {
  parts_.audit.append({{},
                       caller.name,
                       std::string(core::to_string(caller.caller_class)),
                       std::move(event),
                       std::move(detail)});
}

// What a scrape shows of the store was read at the one before, or by look_around().
std::string TaskQueue::metrics() {
  view_.with_fresh(1s, [] {});
  return render_metrics({store_->status(), view_.stats(), view_.workers(), submitted_, refused_,
                         worker_ ? &worker_->counters() : nullptr, parts_.loop.turns()});
}

void TaskQueue::on_changes(const std::vector<core::TaskChange>& changes) {
  for (const auto& change : changes) {
    base::Json body = base::Json::object(), task = base::Json::object();
    task.set("id", core::number(change.id)).set("kind", change.kind);
    body.set("task", std::move(task)).set("from", change.from ? core::to_string(*change.from) : "");
    body.set("to", core::to_string(change.to)).set("event", core::to_string(change.event));
    body.set("worker", change.worker).set("detail", change.detail);
    parts_.events.publish("task_state", body);
    if (!parts_.policy.asks(core::HookEvent::task_state)) continue;
    base::Json context = base::Json::object(), about = base::Json::object();
    about.set("id", text_of(change.id)).set("kind", change.kind);
    context.set("task", std::move(about)).set("from", body["from"].text()).set("to", body["to"].text());
    parts_.policy.observe(core::HookEvent::task_state, std::move(context));
  }
}

void TaskQueue::on_output(core::TaskId task, bool is_error, std::string_view bytes) {
  const auto& part = output_.add(task, is_error, bytes);
  base::Json body = base::Json::object(), about = base::Json::object();
  about.set("id", core::number(task));
  body.set("task", std::move(about)).set("stream", is_error ? "stderr" : "stdout").set("text", part.text);
  parts_.events.publish("task_output", body);
}

void TaskQueue::tend() {
  tend_timer_.stop();
  core::TendSettings settings{config_->queue.history_age, config_->queue.history_count,
                              config_->queue.key_memory, config_->worker.lease,
                              steady_since_ && base::steady_now() - *steady_since_ >= kSteady};
  store_->tend(settings, [this](base::Result<core::Tending> tending) { on_tended(std::move(tending)); });
}

// Every daemon tends: those that come late find little to do.
void TaskQueue::on_tended(base::Result<core::Tending> tending) {
  if (!tending) return tend_timer_.start(kTendAgain);
  if (!steady_since_ || tending->clock_stepped) steady_since_ = base::steady_now();
  on_changes(tending->changes);
  for (const auto& name : tending->lost_workers) {
    parts_.log.warn("worker_lost", {{"worker", name}});
    watch_.see_lost_worker(name);
  }
  if (!tending->lost_workers.empty()) look_around(0s);
  if (tending->clock_stepped)
    parts_.log.warn("store_clock_stepped",
                    {{"hint", "the store's clock has jumped; no worker is given up for one lease"}});
  if (tending->promoted > 0 && worker_) worker_->on_hint();
  auto wait = std::min(
      {kTendAtMost, tending->next_due.value_or(kTendAtMost), tending->next_lease_end.value_or(kTendAtMost)});
  if (tending->more) wait = base::Millis(0);
  tend_timer_.start(wait);
}

void TaskQueue::look_around(base::Millis most) {
  if (store_->status().state != core::StoreStatus::State::open) return;
  view_.with_fresh(most, [this] {
    watch_.see_workers(view_.workers());
    watch_.see_counts(view_.stats(), config_->queue.stuck_after, store_->status().place);
  });
}

base::Result<std::unique_ptr<core::Ticket>> TaskQueue::prepare(const core::ConfigPtr& next) {
  core::ExecutorRegistry executors;
  exec::add_executors(executors, next->executors, parts_.loop, parts_.spawner);
  return std::unique_ptr<core::Ticket>(std::make_unique<SettingsTicket>(*this, next, std::move(executors)));
}

}  // namespace fairlead::app
