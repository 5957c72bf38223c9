// The audit log: append-only JSON lines under STATE_DIR/audit, each with the hash of the line before
// (docs/audit.md). Owned by the daemon; loop thread only; the disk is touched on the thread pool, one call at
// a time, and everything that was queued meanwhile goes into the next one.
//
// When the disk refuses (full, broken), entries wait in a bounded queue and are tried again every few
// seconds; error() says why, and what had to be dropped is counted in a line `audit_dropped` once writing
// works again. Nothing is called written before it is synced.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/writer.hpp"
#include "base/log.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"

namespace fairlead::audit {

class AuditLog : public core::AuditPort {
 public:
  AuditLog(loop::Loop& loop, base::Log& log, Settings settings);
  // What is still queued is lost: flush() first.
  ~AuditLog() override;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Blocking, once, at start: makes or recovers the folder. After an error the log may be used all the same:
  // it queues, and tries again every `retry`.
  base::Result<> open();

  void append(core::AuditEntry entry) override;

  using Done = std::function<void(base::Result<>)>;
  // Writes what is queued. `done` is called once, later: success when all is on disk; the error of the first
  // attempt that fails; timed_out at the deadline. May destroy the AuditLog. One flush at a time.
  void flush(base::Millis deadline, Done done);

  const Position& head() const { return at_; }  // the last line on disk
  std::uint64_t last_seq() const { return at_.seq; }
  const std::string& head_hash() const { return at_.hash; }
  const std::string& error() const { return error_; }  // empty: well
  std::size_t queued() const { return queue_.size() + (in_flight_ ? in_flight_->size() : 0); }

 private:
  using Batch = std::vector<Pending>;
  void pump();
  void on_written(const Outcome& outcome);
  void take(const Outcome& outcome);
  void log_head() const;
  void queue_dropped();
  void finish_flush(base::Result<> result);

  loop::Loop& loop_;
  base::Log& log_;
  const Settings settings_;
  std::shared_ptr<Writer> writer_;  // shared with the job under way, which may outlive us
  std::deque<Pending> queue_;
  std::shared_ptr<const Batch> in_flight_;
  std::unique_ptr<loop::Work> work_;
  Position at_;
  std::string error_;
  std::uint64_t dropped_ = 0;
  base::WallTime dropped_since_;
  Done flush_done_;
  bool attempt_counts_ = false;  // the write under way began after flush()
  loop::Deferred pump_;
  loop::Timer retry_timer_;
  loop::Timer head_timer_;
  loop::Timer flush_timer_;
};

}  // namespace fairlead::audit
