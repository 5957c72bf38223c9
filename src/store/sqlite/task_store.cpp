#include "store/sqlite/task_store.hpp"

#include <algorithm>
#include <utility>

#include "store/sqlite/queue_calls.hpp"

namespace fairlead::store {

namespace {

constexpr std::size_t kCallsAtOnce = 512;  // in one transaction

using State = core::StoreStatus::State;

State state_after(const BatchOutcome& outcome) {
  if (!outcome.trouble) return State::open;
  const auto code = outcome.trouble->code;
  return code == base::Code::unsupported || code == base::Code::protocol ? State::refused : State::away;
}

}  // namespace

template <typename T>
class SqliteTaskStore::CallOf : public QueueCall {
 public:
  CallOf(bool writes, std::function<base::Result<T>(Turn&)> work, core::Answer<T> done)
      : QueueCall(writes), work_(std::move(work)), done_(std::move(done)) {}
  bool run(Turn& turn) override {
    result_ = work_(turn);
    return result_.ok();
  }
  void fail(const base::Error& error) override { result_ = error; }
  void deliver() override { done_(std::move(result_)); }
  void abandon(const base::Error& error) override { done_(error); }

 private:
  std::function<base::Result<T>(Turn&)> work_;
  core::Answer<T> done_;
  base::Result<T> result_ = base::Error{};
};

SqliteTaskStore::SqliteTaskStore(loop::Loop& loop, base::Log& log, QueueFileSettings settings)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      file_(std::make_shared<QueueFile>(settings_)),
      pump_(loop, "queue_pump", [this] { pump(); }),
      hint_(loop, "queue_hint", [this] { on_hint_(); }),
      retry_timer_(loop, "queue_retry",
                   [this] {
                     look_ = true;
                     pump();
                   }),
      stop_timer_(loop, "queue_stop", [this] { on_deadline(); }) {
  status_.backend = "sqlite";
  status_.place = file_->path();
  status_.hints = "local";
  status_.since = base::wall_now();
}

SqliteTaskStore::~SqliteTaskStore() = default;

void SqliteTaskStore::begin(std::function<void()> on_state, std::function<void()> on_hint) {
  on_state_ = std::move(on_state);
  on_hint_ = std::move(on_hint);
  look_ = true;
  pump_.schedule();
}

// --- towards the file
template <typename T>
void SqliteTaskStore::call(Access access, std::function<base::Result<T>(Turn&)> work, core::Answer<T> done) {
  waiting_.push_back(std::make_unique<CallOf<T>>(access == Access::write, std::move(work), std::move(done)));
  if (!work_) pump_.schedule();
}

void SqliteTaskStore::pump() {
  if (work_) return;  // on_batch() goes on
  if (closed_ && !waiting_.empty()) {
    return abandon(std::exchange(waiting_, {}),
                   {base::Code::unavailable, "the store is closed", file_->path()});
  }
  if (!waiting_.empty() || look_) return run_batch();
  if (stopping_ && !closed_) close_file();
}

void SqliteTaskStore::run_batch() {
  look_ = false;
  auto calls = std::make_shared<QueueCalls>();
  const auto count = std::min(waiting_.size(), kCallsAtOnce);
  std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(*calls));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  under_way_ = calls;
  work_ = loop::submit<BatchOutcome>(
      loop_, "queue_batch", [file = file_, calls] { return file->run(*calls); },
      [this, calls](const BatchOutcome& outcome) { on_batch(*calls, outcome); });
}

// May destroy us.
void SqliteTaskStore::on_batch(const QueueCalls& calls, const BatchOutcome& outcome) {
  const std::weak_ptr<bool> alive = alive_;
  work_.reset();
  under_way_.reset();
  for (const auto& call : calls)
    std::move(call->untold.begin(), call->untold.end(), std::back_inserter(untold_));
  if (outcome.hint && on_hint_) hint_.schedule();
  if (!waiting_.empty() || look_ || stopping_) pump_.schedule();
  enter(outcome);
  for (const auto& call : calls) {
    if (alive.expired()) return;
    call->deliver();
  }
}

// May destroy us.
void SqliteTaskStore::abandon(const QueueCalls& calls, const base::Error& error) {
  const std::weak_ptr<bool> alive = alive_;
  for (const auto& call : calls) {
    if (alive.expired()) return;
    call->abandon(error);
  }
}

// May destroy us.
void SqliteTaskStore::enter(const BatchOutcome& outcome) {
  const auto next = state_after(outcome);
  const std::string error = outcome.trouble ? outcome.trouble->text() : std::string();
  if (next == State::away && !stopping_) retry_timer_.start(settings_.retry);
  if (outcome.schema > 0) status_.schema = outcome.schema;
  if (next == status_.state && error == status_.error) return;
  const bool came = next == State::open;
  if (came) {
    log_.info("store_open", {{"backend", status_.backend}, {"place", status_.place}});
    retry_timer_.stop();
    if (on_hint_) hint_.schedule();  // there may be work that was not seen
  } else {
    log_.error("store_" + std::string(to_string(next)), {{"place", status_.place}, {"error", error}});
  }
  status_.error = error;
  if (next != status_.state) status_.since = base::wall_now();
  status_.state = next;
  if (on_state_) on_state_();
}

// --- at stop
void SqliteTaskStore::stop(base::Millis deadline, std::function<void()> gone) {
  gone_ = std::move(gone);
  stopping_ = true;
  retry_timer_.stop();
  stop_timer_.start(deadline);
  pump_.schedule();
}

void SqliteTaskStore::close_file() {
  work_ = std::make_unique<loop::Work>(
      loop_, "queue_close", [file = file_] { file->close(); },
      [this] {
        work_.reset();
        closed_ = true;
        finish_stop();
      });
}

void SqliteTaskStore::on_deadline() {
  const std::weak_ptr<bool> alive = alive_;
  const base::Error late{base::Code::timed_out, "the store did not answer before its end", file_->path()};
  const auto calls = std::exchange(under_way_, nullptr);
  work_.reset();
  closed_ = true;
  if (calls) abandon(*calls, late);
  if (!alive.expired()) abandon(std::exchange(waiting_, {}), late);
  if (!alive.expired()) finish_stop();
}

void SqliteTaskStore::finish_stop() {
  stop_timer_.stop();
  if (!waiting_.empty()) pump_.schedule();
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

// --- the calls
void SqliteTaskStore::submit(std::vector<core::Submission> tasks,
                             core::Answer<std::vector<base::Result<core::Submitted>>> done) {
  using Answers = std::vector<base::Result<core::Submitted>>;
  call<Answers>(
      Access::write,
      [tasks = std::move(tasks)](Turn& turn) -> base::Result<Answers> { return submit_tasks(turn, tasks); },
      std::move(done));
}

void SqliteTaskStore::register_worker(core::WorkerInfo info, base::Millis lease,
                                      std::vector<core::Started> keeps, core::Answer<core::WorkerKey> done) {
  call<core::WorkerKey>(
      Access::write,
      [info = std::move(info), lease, keeps = std::move(keeps)](Turn& turn) {
        return store::register_worker(turn, info, lease, keeps);
      },
      std::move(done));
}

void SqliteTaskStore::beat(core::Beat beat, core::Answer<core::BeatOutcome> done) {
  call<core::BeatOutcome>(
      Access::write, [beat = std::move(beat)](Turn& turn) { return beat_worker(turn, beat); },
      std::move(done));
}

void SqliteTaskStore::exchange(core::Exchange exchange, core::Answer<core::ExchangeOutcome> done) {
  call<core::ExchangeOutcome>(
      Access::write,
      [exchange = std::move(exchange)](Turn& turn) { return exchange_with_worker(turn, exchange); },
      std::move(done));
}

void SqliteTaskStore::leave(core::WorkerKey worker, core::Answer<base::Unit> done) {
  call<base::Unit>(
      Access::write, [worker = std::move(worker)](Turn& turn) { return leave_worker(turn, worker); },
      std::move(done));
}

void SqliteTaskStore::tend(core::TendSettings settings, core::Answer<core::Tending> done) {
  call<core::Tending>(
      Access::write, [settings](Turn& turn) { return tend_queue(turn, settings); },
      [this, done = std::move(done)](base::Result<core::Tending> tending) {
        if (tending) {
          auto changes = std::exchange(untold_, {});
          std::move(tending->changes.begin(), tending->changes.end(), std::back_inserter(changes));
          tending->changes = std::move(changes);
        }
        done(std::move(tending));
      });
}

void SqliteTaskStore::find(core::TaskId id, core::Answer<core::TaskDetail> done) {
  call<core::TaskDetail>(Access::read, [id](Turn& turn) { return find_task(turn, id); }, std::move(done));
}

void SqliteTaskStore::list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) {
  call<std::vector<core::TaskRecord>>(
      Access::read, [filter = std::move(filter)](Turn& turn) { return list_tasks(turn, filter); },
      std::move(done));
}

void SqliteTaskStore::order(core::TaskId id, core::TaskOrder order, core::Actor actor,
                            core::Answer<core::OrderOutcome> done) {
  call<core::OrderOutcome>(
      Access::write,
      [id, order, actor = std::move(actor)](Turn& turn) { return order_task(turn, id, order, actor); },
      std::move(done));
}

void SqliteTaskStore::pause(core::Pause pause, core::Answer<base::Unit> done) {
  call<base::Unit>(
      Access::write, [pause = std::move(pause)](Turn& turn) { return begin_pause(turn, pause); },
      std::move(done));
}

void SqliteTaskStore::resume(core::Pause::Scope scope, std::string name, core::Answer<base::Unit> done) {
  call<base::Unit>(
      Access::write, [scope, name = std::move(name)](Turn& turn) { return end_pause(turn, scope, name); },
      std::move(done));
}

void SqliteTaskStore::pauses(core::Answer<std::vector<core::Pause>> done) {
  call<std::vector<core::Pause>>(Access::read, list_pauses, std::move(done));
}

void SqliteTaskStore::stats(core::Answer<core::QueueStats> done) {
  call<core::QueueStats>(Access::read, count_tasks, std::move(done));
}

void SqliteTaskStore::workers(core::Answer<std::vector<core::WorkerRecord>> done) {
  call<std::vector<core::WorkerRecord>>(Access::read, list_workers, std::move(done));
}

void SqliteTaskStore::drain(std::string worker, bool draining, core::Answer<base::Unit> done) {
  call<base::Unit>(
      Access::write,
      [worker = std::move(worker), draining](Turn& turn) { return drain_worker(turn, worker, draining); },
      std::move(done));
}

}  // namespace fairlead::store
