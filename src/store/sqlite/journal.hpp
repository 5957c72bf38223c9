// The decision journal in an SQLite file. Owned by the daemon; loop thread only; the disk is touched on the
// thread pool, one call at a time, and what was recorded meanwhile goes into the next one
// (docs/decisions.md).
//
// It never stops the daemon: a damaged file is put aside and a fresh one is begun; while the disk refuses,
// decisions wait in a bounded queue and are tried again every few seconds; what does not fit is counted, in
// status() and in `left_out` of the next decision of its event that is stored.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/decision_sample.hpp"
#include "core/journal.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"
#include "store/sqlite/journal_writer.hpp"

namespace fairlead::store {

class Journal : public core::JournalPort {
 public:
  // The operator's `redact` transform: gets texts (JSON, mostly) and hands back as many, in their order;
  // once, on the loop. The built-in patterns run after it, so that it can only take out more; they run alone
  // when it does not answer in time, or answers with another number of texts.
  using Redacted = std::function<void(std::vector<std::string> texts)>;
  using Redact = std::function<void(std::vector<std::string> texts, Redacted done)>;

  Journal(loop::Loop& loop, base::Log& log, JournalSettings settings, Redact redact = nullptr);
  // What is still queued is lost: flush() first.
  ~Journal() override;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void record(core::Decision decision) override;
  std::vector<core::DecisionPtr> recent(std::size_t per_event) const override;
  std::unique_ptr<core::JournalRead> read(
      core::JournalQuery query, std::function<void(base::Result<core::DecisionPage>)> done) override;
  core::JournalStatus status() const override;

  using Done = std::function<void(base::Result<>)>;
  // Stores what is queued and closes the file, which a later record() opens again. `done` is called once,
  // later: success when all is stored; the error of the first attempt that fails; timed_out at the deadline.
  // May destroy the Journal. One flush at a time.
  void flush(base::Millis deadline, Done done);

 private:
  void drop(const core::Decision& decision);
  void bound(std::string& text) const;
  std::size_t queued() const { return queue_.size() + (batch_ ? batch_->size() : 0); }
  void pump();
  void take_batch();
  void ask_redact();
  void on_redacted(std::vector<std::string> texts);
  void write_batch();
  void on_written(const JournalOutcome& outcome);
  void report(const JournalOutcome& outcome);
  void close_file();
  void finish_flush(base::Result<> result);

  loop::Loop& loop_;
  base::Log& log_;
  const JournalSettings settings_;
  const Redact redact_;
  std::shared_ptr<JournalWriter> writer_;  // shared with the job under way, which may outlive us
  core::DecisionSample sample_;
  std::deque<core::DecisionPtr> queue_;
  std::size_t queued_bytes_ = 0;         // of queue_
  std::shared_ptr<JournalBatch> batch_;  // on its way; kept until it is stored
  std::shared_ptr<bool> asked_;  // set while the operator's `redact` works; a late answer finds it gone
  std::unique_ptr<loop::Work> work_;
  bool maintenance_due_ = true;  // at start: opens the file, prunes what is too old
  bool file_open_ = false;
  core::JournalStatus status_;
  std::uint64_t dropped_told_ = 0;
  Done flush_done_;
  bool attempt_counts_ = false;  // the write under way began after flush()
  loop::Deferred pump_;
  loop::Timer linger_timer_;
  loop::Timer retry_timer_;
  loop::Timer redact_timer_;
  loop::Timer maintain_timer_;
  loop::Timer flush_timer_;
};

}  // namespace fairlead::store
