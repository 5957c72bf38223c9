// One call of the task store at work in the queue's file: what all of its parts share. Lives on a pool
// thread, inside one transaction.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/task_store.hpp"
#include "store/sqlite/sql.hpp"

namespace fairlead::store {

using Ms = std::int64_t;  // milliseconds as they are stored; which clock, the column says

inline Ms to_ms(base::WallTime time) {
  return std::chrono::duration_cast<base::Millis>(time.time_since_epoch()).count();
}
inline std::optional<Ms> to_ms(std::optional<base::WallTime> time) {
  return time ? std::optional(to_ms(*time)) : std::nullopt;
}
inline base::WallTime to_time(Ms ms) {
  return base::WallTime(base::Millis(ms));
}
inline std::optional<base::WallTime> to_time(std::optional<Ms> ms) {
  return ms ? std::optional(to_time(*ms)) : std::nullopt;
}

struct ActivePause {
  core::Pause::Scope scope = core::Pause::Scope::everything;
  std::string name;
  std::string label() const;  // "all", "kind:job", "site:attic": a task's waits_detail
};

struct Turn {
  // Both clocks as they stood when the batch began, and when (CLOCK_BOOTTIME) the store's clock was last seen
  // to jump.
  Turn(Sql& statements, Ms wall, Ms boot_time, std::optional<Ms> last_step)
      : sql(statements), now(wall), boot(boot_time), stepped_at(last_step) {}

  Sql& sql;
  const Ms now, boot;
  const std::optional<Ms> stepped_at;

  std::vector<core::TaskChange> changes;
  std::uint64_t promoted = 0;  // tasks that waited and became ready
  bool work_ready = false;     // something became ready, in whatever way
  bool stop_asked = false;     // a worker was asked to stop something

  std::int64_t next_task_id();
  const std::vector<ActivePause>& pauses();  // those that have not ended
  void forget_pauses() { pauses_.reset(); }  // they were changed
  // Counts a task in or out of the history, and stores what was counted.
  void count_history(std::int64_t change) { history_ += change; }
  void store_totals();

 private:
  std::optional<std::vector<ActivePause>> pauses_;
  std::optional<std::int64_t> last_task_;
  std::int64_t history_ = 0;
};

// Words that were stored with spaces between them; empty text: none.
std::vector<std::string> words_of(std::string_view text);
std::string joined_words(const std::vector<std::string>& words);

}  // namespace fairlead::store
