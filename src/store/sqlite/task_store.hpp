// core::TaskStore in an SQLite file: the embedded default. Owned by app/; loop thread only; the disk is
// touched on the thread pool, one batch at a time, and what is asked meanwhile goes into the next one, so
// that one wait for the disk serves many calls (queue_file.hpp).
//
// Several daemons of one machine may share the file; each hears of the others' tasks when it asks next.
// While another process holds it, the disk refuses or the file is gone, the store is `away`: calls are tried
// once each and fail, and it is looked after every `retry`. A damaged file or a newer schema is `refused`.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"
#include "store/sqlite/queue_file.hpp"

namespace fairlead::store {

class SqliteTaskStore : public core::TaskStore {
 public:
  SqliteTaskStore(loop::Loop& loop, base::Log& log, QueueFileSettings settings);
  ~SqliteTaskStore() override;
  SqliteTaskStore(const SqliteTaskStore&) = delete;
  SqliteTaskStore& operator=(const SqliteTaskStore&) = delete;

  void begin(std::function<void()> on_state, std::function<void()> on_hint) override;
  core::StoreStatus status() const override { return status_; }
  void stop(base::Millis deadline, std::function<void()> gone) override;

  void submit(std::vector<core::Submission> tasks,
              core::Answer<std::vector<base::Result<core::Submitted>>> done) override;
  void register_worker(core::WorkerInfo info, base::Millis lease, std::vector<core::Started> keeps,
                       core::Answer<core::WorkerKey> done) override;
  void beat(core::Beat beat, core::Answer<core::BeatOutcome> done) override;
  void exchange(core::Exchange exchange, core::Answer<core::ExchangeOutcome> done) override;
  void leave(core::WorkerKey worker, core::Answer<base::Unit> done) override;
  void tend(core::TendSettings settings, core::Answer<core::Tending> done) override;
  void find(core::TaskId id, core::Answer<core::TaskDetail> done) override;
  void list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) override;
  void order(core::TaskId id, core::TaskOrder order, core::Actor actor,
             core::Answer<core::OrderOutcome> done) override;
  void pause(core::Pause pause, core::Answer<base::Unit> done) override;
  void resume(core::Pause::Scope scope, std::string name, core::Answer<base::Unit> done) override;
  void pauses(core::Answer<std::vector<core::Pause>> done) override;
  void stats(core::Answer<core::QueueStats> done) override;
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override;
  void drain(std::string worker, bool draining, core::Answer<base::Unit> done) override;

 private:
  enum class Access : std::uint8_t { read, write };
  template <typename T>
  class CallOf;
  template <typename T>
  void call(Access access, std::function<base::Result<T>(Turn&)> work, core::Answer<T> done);
  void pump();
  void run_batch();
  void on_batch(const QueueCalls& calls, const BatchOutcome& outcome);
  void abandon(const QueueCalls& calls, const base::Error& error);
  void enter(const BatchOutcome& outcome);
  void close_file();
  void on_deadline();
  void finish_stop();

  loop::Loop& loop_;
  base::Log& log_;
  const QueueFileSettings settings_;
  std::shared_ptr<QueueFile> file_;  // shared with the batch under way, which may outlive us
  core::StoreStatus status_;
  std::function<void()> on_state_, on_hint_;
  QueueCalls waiting_;
  std::shared_ptr<QueueCalls> under_way_;
  std::vector<core::TaskChange> untold_;  // for the next tend()
  std::unique_ptr<loop::Work> work_;
  bool look_ = false;  // run a batch even where there is no call: opens the file
  std::function<void()> gone_;
  bool stopping_ = false, closed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  loop::Deferred pump_;
  loop::Deferred hint_;
  loop::Timer retry_timer_;
  loop::Timer stop_timer_;
};

}  // namespace fairlead::store
