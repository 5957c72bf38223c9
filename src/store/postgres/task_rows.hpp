// Rows as values: what the statements of task_statements.hpp answer. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/task_store.hpp"
#include "store/postgres/reply.hpp"

namespace fairlead::store::postgres {

std::optional<base::WallTime> time_at(const Reply& reply, int row, int column);  // nothing for NULL
std::int64_t millis_of(base::WallTime time);

// A row of kTaskColumns.
core::TaskRecord task_of(const Reply& reply, int row);
inline constexpr int kPayloadColumn = 31, kOwnEndColumn = 32, kTimelineColumn = 33;

// A row of the type `said` (0001_tables.sql).
struct Said {
  std::string what;
  int n = 0;
  core::TaskId task{0};
  std::string kind, from, event, to;
  bool accepted = false, started = false;
  std::string worker, detail;
};
Said said_of(const Reply& reply, int row);
// The changes of state that it tells: none, one, or its start and its end.
void add_changes(const Said& said, std::vector<core::TaskChange>& changes);

core::TaskState state_of(std::string_view text);
base::Code code_named(std::string_view text);  // "conflict", "not_found"

core::WorkerRecord worker_of(const Reply& reply, int row);
core::Pause pause_of(const Reply& reply, int row);

}  // namespace fairlead::store::postgres
