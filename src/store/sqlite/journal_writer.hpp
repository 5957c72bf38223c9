// The blocking half of the decision journal: opens the file, stores batches, keeps it within its age and
// size. Owned by Journal, which runs one call at a time on a pool thread.
//
// A batch is one transaction: all of it is stored, or the caller keeps it and tries again. Pruning goes
// oldest first, in steps of a transaction each and a bounded number of steps a call; freed pages beyond a
// sixteenth of the size are given back to the file system.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/decision_sample.hpp"
#include "core/journal.hpp"
#include "store/sqlite/database.hpp"

namespace fairlead::store {

struct JournalSettings {
  std::string path;                     // STATE_DIR/decisions.sqlite
  std::chrono::hours max_age{30 * 24};  // older decisions are deleted
  std::uint64_t max_bytes = 64u << 20;  // of the file; a batch may exceed it for a moment; at least 1 MiB
  core::DecisionSample::Limits sample;  // what is kept of each event, in the file and in memory
  std::size_t max_text = 64u << 10;     // of a context or verdict; of a longer one only the length is kept
  std::size_t max_queued = 10'000;      // decisions that wait for the disk; what comes then is dropped …
  std::size_t max_queued_bytes = 8u << 20;  // … and counted
  base::Millis linger{250};                 // before a write, so that one write takes many: spares slow disks
  base::Millis retry{10'000};               // after a write error
  base::Millis maintain{3'600'000};         // how often an idle journal looks for decisions that are too old
  base::Millis redact_deadline{1'000};      // of the operator's `redact`; the built-in patterns alone do then
};

// One decision on its way to the file, with what the operator's `redact` made of its texts.
struct JournalRow {
  core::DecisionPtr decision;
  std::optional<std::string> context, verdict;  // verdict, or why the safe default was taken
};
using JournalBatch = std::vector<JournalRow>;

struct JournalOutcome {
  bool stored = false;      // the whole batch
  bool unfinished = false;  // more is to be pruned: call again
  std::uint64_t bytes = 0;
  std::string set_aside, why;  // a file that had to be put aside, and what was wrong with it
  std::string error;           // empty: all went well
};

class JournalWriter {
 public:
  explicit JournalWriter(JournalSettings settings) : settings_(std::move(settings)) {}

  // An empty batch opens the file and prunes.
  JournalOutcome write(const JournalBatch& batch, base::WallTime now);

  // Moves everything into the main file. The next write() opens it again.
  void close();

 private:
  struct Pages {
    std::uint64_t size = 0, all = 0, free = 0;
    std::uint64_t bytes() const { return all * size; }
    std::uint64_t used() const { return (all - free) * size; }
  };
  base::Result<> attempt(const JournalBatch& batch, base::WallTime now);
  base::Result<> ensure_open(base::WallTime now);
  base::Result<> insert(const JournalBatch& batch);
  base::Result<> maintain(base::WallTime now);
  base::Result<bool> prune_step(base::WallTime now);
  base::Result<bool> remove(const char* sql, std::int64_t parameter);
  base::Result<Pages> pages();

  const JournalSettings settings_;
  std::optional<Database> database_;
  bool over_size_ = false;  // pruning by size is under way: it goes on to well below the limit
  JournalOutcome out_;
};

}  // namespace fairlead::store
