// The blocking half of the audit log: gives entries their place in the chain, writes them, syncs them, keeps
// the head file, rotates. Owned by AuditLog, which runs one call at a time on a pool thread.
//
// A line counts only when its file and the write's fdatasync succeeded. Otherwise the file is cut back to its
// last good length, so that a half-written line never stays, and the caller keeps the entry and tries again.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/folder.hpp"
#include "audit/line.hpp"
#include "audit/recovery.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::audit {

struct Settings {
  std::string folder;                   // STATE_DIR/audit
  unsigned folder_mode = 0700;          // of a folder that has to be made; 0750 in system mode
  std::uint64_t max_bytes = 10u << 20;  // a file is rotated before it would grow past this
  std::size_t keep = 10;                // rotated files; the oldest beyond that are deleted
  std::size_t max_queued = 10'000;  // entries waiting for the disk; what comes then is counted and dropped
  base::Millis retry{5'000};        // after a write error
  base::Millis head_interval{3'600'000};  // how often the head is logged
};

struct Outcome {
  std::size_t written = 0;  // how many of the batch are on disk
  Position at;              // the last line on disk
  std::vector<Head> rotated;
  std::vector<std::string> warnings;
  std::string error;  // empty: all written, and the head says so
};

class Writer {
 public:
  explicit Writer(Settings settings) : settings_(std::move(settings)) {}

  // An empty batch opens and recovers the folder, writes what recovery has to say, and mends a stale head.
  Outcome write(const std::vector<Pending>& batch);

 private:
  struct Chunk {
    std::string text;
    std::size_t entries = 0;
    Position end;
  };

  base::Result<> write_all(const std::vector<Pending>& batch);
  base::Result<> ensure_open();
  bool still_ours() const;
  base::Result<> commit(Chunk& chunk);
  base::Result<> rotate();
  base::Result<> prune();
  base::Result<> save_head(const std::string& file);
  std::string path(std::string_view name) const;

  const Settings settings_;
  base::UniqueFd fd_;
  std::optional<Position> at_;   // nothing before the first recovery
  std::uint64_t size_ = 0;       // of the current file, as synced
  std::uint64_t first_seq_ = 1;  // of the current file's first line
  Head head_;                    // as on disk, when it is not stale
  bool head_stale_ = false;
  bool cut_back_ = false;       // a write failed: the file may be longer than size_
  std::vector<Pending> notes_;  // of recovery, not yet written
  std::size_t committed_ = 0;   // in the call under way: entries on disk, notes first
  Outcome out_;
};

}  // namespace fairlead::audit
