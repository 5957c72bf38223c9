// The queue's file, and the calls that are done in it. Owned by SqliteTaskStore, which runs one batch at a
// time on a pool thread. Blocking.
//
//   queue.sqlite     the queue, 0600, with -wal and -shm beside it while it is open
//
// A batch is one transaction and so one wait for the disk, however many calls it holds; each call has a
// savepoint of its own, so that one that fails takes nothing of the others with it. Unlike a journal, a file
// that cannot be read is never put aside by itself: it holds work that was accepted.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/task_store.hpp"
#include "store/sqlite/queue_turn.hpp"
#include "store/sqlite/sql.hpp"

namespace fairlead::store {

inline constexpr const char* kQueueName = "queue.sqlite";

struct QueueFileSettings {
  std::string folder;                // it must exist
  base::Millis busy_timeout{2'000};  // for another process that writes; then the store is away
  base::Millis retry{1'000};         // while it is away
  std::function<base::WallTime()> clock = base::wall_now;  // the store's clock
};

// One call on its way: run() on the pool thread, deliver() on the loop.
class QueueCall {
 public:
  explicit QueueCall(bool writes) : writes_(writes) {}
  virtual ~QueueCall() = default;
  virtual bool run(Turn& turn) = 0;  // false: its answer is an error, and nothing of it must stay
  virtual void fail(const base::Error& error) = 0;
  virtual void deliver() = 0;
  // On the loop, instead of deliver(), also while run() is at it.
  virtual void abandon(const base::Error& error) = 0;
  bool writes() const { return writes_; }

  std::vector<core::TaskChange> untold;  // changes that are not in its answer

 private:
  const bool writes_;
};
using QueueCalls = std::vector<std::unique_ptr<QueueCall>>;

struct BatchOutcome {
  std::optional<base::Error> trouble;  // of the store, not of a call
  bool hint = false;                   // work became ready, or a worker was asked to stop
  int schema = 0;                      // 0: not known
};

class QueueFile {
 public:
  explicit QueueFile(QueueFileSettings settings);

  // Opens the file where that is to be done and makes it when it was never there. An empty batch sees whether
  // the file can be written. Every call has its answer afterwards.
  BatchOutcome run(QueueCalls& calls);
  // Moves everything into the main file.
  void close();
  const std::string& path() const { return path_; }

 private:
  base::Result<> open();
  base::Result<> run_in_transaction(QueueCalls& calls, BatchOutcome& outcome);
  base::Result<> run_call(QueueCall& call, BatchOutcome& outcome);
  void watch_clock();

  const QueueFileSettings settings_;
  const std::string path_;
  std::unique_ptr<Sql> sql_;
  bool was_open_ = false;  // a file that is gone now was taken away, and must not be replaced by an empty one
  int schema_ = 0;
  Ms now_ = 0, boot_ = 0;
  std::optional<Ms> offset_;  // between the two clocks, at the batch before
  std::optional<Ms> stepped_at_;
};

}  // namespace fairlead::store
