#include <algorithm>

#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_rows.hpp"
#include "store/timeline.hpp"

namespace fairlead::store {

namespace {

std::optional<core::TaskDetail> detail_in(Sql::Rows row) {
  if (!row.next()) return std::nullopt;
  core::TaskDetail detail;
  detail.task = record_in(row);
  detail.task.envelope.payload = row.text(kAfterTaskColumns);
  auto timeline = parse_timeline(row.text(kAfterTaskColumns + 1));
  detail.timeline = std::move(timeline.entries);
  detail.notes = std::move(timeline.notes);
  return detail;
}

// Which of its locks a task waits for now: the row says which one it was in the beginning.
void name_the_lock(Turn& turn, core::TaskRecord& task) {
  if (task.state != core::TaskState::queued || task.waits_for != core::WaitsFor::lock) return;
  for (const auto& key : task.envelope.locks)
    if (turn.sql.query("SELECT 1 FROM locks WHERE key = ?", key).next()) {
      task.waits_detail = key;
      return;
    }
}

void take_rows(Sql::Rows rows, const core::TaskFilter& filter, std::size_t most,
               std::vector<core::TaskRecord>& found) {
  while (most > 0 && rows.next()) {
    auto task = record_in(rows);
    const bool wanted = filter.states.empty() || std::find(filter.states.begin(), filter.states.end(),
                                                           task.state) != filter.states.end();
    if (!wanted) continue;
    found.push_back(std::move(task));
    --most;
  }
}

}  // namespace

base::Result<core::TaskDetail> find_task(Turn& turn, core::TaskId id) {
  auto found = detail_in(turn.sql.query(
      "SELECT " FAIRLEAD_TASK_COLUMNS ", payload, timeline FROM tasks WHERE id = ?", number(id)));
  if (!found)
    found = detail_in(turn.sql.query(
        "SELECT " FAIRLEAD_TASK_COLUMNS ", payload, timeline FROM history WHERE id = ?", number(id)));
  if (!found) return base::Error{base::Code::not_found, "there is no task " + std::to_string(number(id)), {}};
  name_the_lock(turn, found->task);
  return std::move(*found);
}

base::Result<std::vector<core::TaskRecord>> list_tasks(Turn& turn, const core::TaskFilter& filter) {
  const auto& states = filter.states;
  const bool ended = std::any_of(states.begin(), states.end(), core::is_final);
  const bool alive = states.empty() || !std::all_of(states.begin(), states.end(), core::is_final);
  const auto before = number(filter.before) > 0 ? number(filter.before) : std::int64_t{1} << 62;
  const auto waits = filter.waits_for ? to_string(*filter.waits_for) : std::string_view();
  std::vector<core::TaskRecord> found;
  if (alive)
    take_rows(
        turn.sql.query("SELECT " FAIRLEAD_TASK_COLUMNS
                       " FROM tasks WHERE id < ?1 AND (?2 = '' OR kind = ?2) AND (?3 = '' OR worker = ?3)"
                       " AND (?4 = '' OR waits_for = ?4) ORDER BY id DESC",
                       before, filter.kind, filter.worker, waits),
        filter, filter.most, found);
  if (ended && !filter.waits_for)
    take_rows(
        turn.sql.query("SELECT " FAIRLEAD_TASK_COLUMNS
                       " FROM history WHERE id < ?1 AND (?2 = '' OR kind = ?2) AND (?3 = '' OR worker = ?3)"
                       " ORDER BY id DESC",
                       before, filter.kind, filter.worker),
        filter, filter.most, found);
  std::sort(found.begin(), found.end(),
            [](const core::TaskRecord& a, const core::TaskRecord& b) { return a.id > b.id; });
  if (found.size() > filter.most) found.resize(filter.most);
  for (auto& task : found) name_the_lock(turn, task);
  return found;
}

base::Result<core::QueueStats> count_tasks(Turn& turn) {
  core::QueueStats stats;
  {
    auto row = turn.sql.query("SELECT history FROM queue");
    if (row.next()) stats.history = static_cast<std::uint64_t>(row.integer(0));
  }
  auto rows = turn.sql.query(
      "SELECT kind, state, waits_for, count(*), min(since) FROM tasks"
      " GROUP BY kind, state, waits_for ORDER BY kind, state, waits_for");
  while (rows.next())
    stats.rows.push_back({std::string(rows.text(0)),
                          core::parse_task_state(rows.text(1)).value_or(core::TaskState::queued),
                          core::parse_waits_for(rows.text(2)).value_or(core::WaitsFor::nothing),
                          static_cast<std::uint64_t>(rows.integer(3)),
                          base::Millis(std::max<Ms>(0, turn.now - rows.integer(4)))});
  return stats;
}

}  // namespace fairlead::store
