#include <algorithm>
#include <limits>

#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_task.hpp"
#include "store/sqlite/queue_waits.hpp"

namespace fairlead::store {

namespace {

constexpr int kSettled = 1'000;    // tasks settled of each cause in one call
constexpr int kLooked = 5'000;     // tasks that a sweep looks at
constexpr int kLost = 500;         // tasks taken from lost workers
constexpr int kForgotten = 2'000;  // rows deleted

std::vector<std::int64_t> ids_in(Sql::Rows rows) {
  std::vector<std::int64_t> ids;
  while (rows.next()) ids.push_back(rows.integer(0));
  return ids;
}

bool promote_due(Turn& turn) {
  const auto due = ids_in(
      turn.sql.query("SELECT id FROM tasks WHERE waits_for = 'time' AND due_at <= ? ORDER BY due_at LIMIT ?",
                     turn.now, kSettled));
  for (const auto id : due) settle_again(turn, id);
  return due.size() == kSettled;
}

bool end_pauses(Turn& turn) {
  if (turn.sql.run("DELETE FROM pauses WHERE until <= ?", turn.now) > 0) turn.forget_pauses();
  const bool more = sweep_pauses(turn, kLooked);
  return wake_from_pauses(turn, kSettled) || more;
}

bool reap(Turn& turn, core::Tending& tending) {
  {
    auto rows = turn.sql.query("UPDATE workers SET live = 0 WHERE live AND lease_until <= ? RETURNING name",
                               turn.boot);
    while (rows.next()) tending.lost_workers.emplace_back(rows.text(0));
  }
  std::sort(tending.lost_workers.begin(), tending.lost_workers.end());
  const auto lost =
      ids_in(turn.sql.query("SELECT t.id FROM workers w JOIN tasks t ON t.owner = w.name WHERE w.live = 0"
                            " AND (t.own_end IS NULL OR t.own_end <= ?) ORDER BY t.id LIMIT ?",
                            turn.boot, kLost));
  for (const auto id : lost) lose_worker(turn, id);
  return lost.size() == kLost;
}

// What is older than `age` came before the answer; nothing, where the clock may be wrong.
Ms before(Turn& turn, base::Millis age, const core::TendSettings& settings, const core::Tending& tending) {
  return settings.by_age && !tending.clock_stepped ? turn.now - age.count() : std::numeric_limits<Ms>::min();
}

bool forget(Turn& turn, const core::TendSettings& settings, core::Tending& tending) {
  auto gone = turn.sql.run(
      "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE finished_at < ?"
      " ORDER BY finished_at LIMIT ?)",
      before(turn, settings.history_age, settings, tending), kForgotten);
  std::int64_t kept = 0;
  {
    auto row = turn.sql.query("SELECT history FROM queue");
    if (row.next()) kept = row.integer(0) - gone;
  }
  const auto most = std::min<std::uint64_t>(settings.history_count, std::uint64_t{1} << 62);
  const auto excess = std::min<std::int64_t>(kept - static_cast<std::int64_t>(most), kForgotten);
  if (excess > 0)
    gone += turn.sql.run(
        "DELETE FROM history WHERE id IN (SELECT id FROM history ORDER BY finished_at, id LIMIT ?)", excess);
  const auto keys = turn.sql.run(
      "DELETE FROM idempotency WHERE (kind, key) IN (SELECT kind, key FROM idempotency"
      " WHERE ended_at < ? LIMIT ?)",
      before(turn, settings.key_memory, settings, tending), kForgotten);
  if (settings.by_age && !tending.clock_stepped)
    turn.sql.run(
        "DELETE FROM workers WHERE live = 0 AND beat_at <= ?"
        " AND NOT EXISTS (SELECT 1 FROM tasks WHERE owner = name)",
        turn.boot - settings.history_age.count());
  turn.count_history(-gone);
  tending.forgotten = static_cast<std::uint64_t>(gone);
  return gone >= kForgotten || keys == kForgotten;
}

std::optional<base::Millis> until(Sql::Rows row, Ms now) {
  if (!row.next() || !row.maybe(0)) return std::nullopt;
  return base::Millis(std::max<Ms>(0, row.integer(0) - now));
}

}  // namespace

base::Result<core::Tending> tend_queue(Turn& turn, const core::TendSettings& settings) {
  core::Tending tending;
  tending.clock_stepped = turn.stepped_at && turn.boot < *turn.stepped_at + settings.lease.count();
  tending.more = promote_due(turn);
  tending.more = end_pauses(turn) || tending.more;
  if (!tending.clock_stepped) tending.more = reap(turn, tending) || tending.more;
  tending.more = forget(turn, settings, tending) || tending.more;
  tending.next_due =
      until(turn.sql.query("SELECT min(at) FROM (SELECT min(due_at) AS at FROM tasks WHERE waits_for = 'time'"
                           " UNION ALL SELECT min(until) FROM pauses)"),
            turn.now);
  if (!tending.clock_stepped)
    tending.next_lease_end =
        until(turn.sql.query("SELECT min(lease_until) FROM workers WHERE live"), turn.boot);
  tending.promoted = turn.promoted;
  tending.changes = std::move(turn.changes);
  return tending;
}

}  // namespace fairlead::store
