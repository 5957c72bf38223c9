// Pauses. What is ready, or waits for a lock, is set aside in bounded steps after a pause began, and woken in
// bounded steps after it ended; claims look at the pauses themselves meanwhile.
#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_waits.hpp"

namespace fairlead::store {

namespace {

using Scope = core::Pause::Scope;

constexpr int kAtOnce = 1'000;  // tasks that the call itself sets aside or wakes; tend() does the rest

core::Pause::Scope scope_named(std::string_view text) {
  return text == "all" ? Scope::everything : text == "kind" ? Scope::kind : Scope::site;
}

struct Sweep {
  std::string scope, name;
  std::int64_t swept = 0;
};

std::vector<Sweep> open_sweeps(Turn& turn) {
  std::vector<Sweep> found;
  auto rows = turn.sql.query("SELECT scope, name, swept FROM pauses WHERE swept IS NOT NULL");
  while (rows.next())
    found.push_back({std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2)});
  return found;
}

// The next tasks by id, those that the pause concerns settled anew; true: there are more.
bool sweep(Turn& turn, Sweep pause, int most) {
  std::vector<std::int64_t> concerned;
  int seen = 0;
  {
    auto rows = turn.sql.query("SELECT id, kind, site, waits_for FROM tasks WHERE id > ? ORDER BY id LIMIT ?",
                               pause.swept, most);
    for (; rows.next(); ++seen) {
      pause.swept = rows.integer(0);
      const bool hit = pause.scope == "all" || (pause.scope == "kind" && rows.text(1) == pause.name) ||
                       (pause.scope == "site" && rows.text(2) == pause.name);
      if (hit && (rows.text(3) == "nothing" || rows.text(3) == "lock")) concerned.push_back(pause.swept);
    }
  }
  for (const auto id : concerned) settle_again(turn, id);
  const bool more = seen == most;
  turn.sql.run("UPDATE pauses SET swept = ? WHERE scope = ? AND name = ?",
               more ? std::optional<std::int64_t>(pause.swept) : std::nullopt, pause.scope, pause.name);
  return more;
}

// What tasks wait for that is no pause any more.
std::vector<std::string> ended_labels(Turn& turn) {
  std::vector<std::string> ended;
  for (std::string last;;) {
    {
      auto row = turn.sql.query(
          "SELECT waits_detail FROM tasks WHERE waits_for = 'pause' AND waits_detail > ?"
          " ORDER BY waits_detail LIMIT 1",
          last);
      if (!row.next()) return ended;
      last = row.text(0);
    }
    bool active = false;
    for (const auto& pause : turn.pauses()) active = active || pause.label() == last;
    if (!active) ended.push_back(last);
  }
}

}  // namespace

bool sweep_pauses(Turn& turn, int most) {
  bool more = false;
  for (auto& pause : open_sweeps(turn)) more = sweep(turn, std::move(pause), most) || more;
  return more;
}

bool wake_from_pauses(Turn& turn, int most) {
  for (const auto& label : ended_labels(turn)) {
    std::vector<std::int64_t> ids;
    {
      auto rows = turn.sql.query(
          "SELECT id FROM tasks WHERE waits_for = 'pause' AND waits_detail = ? LIMIT ?", label, most);
      while (rows.next()) ids.push_back(rows.integer(0));
    }
    for (const auto id : ids) settle_again(turn, id);
    most -= static_cast<int>(ids.size());
    if (most <= 0) return true;
  }
  return false;
}

base::Result<base::Unit> begin_pause(Turn& turn, const core::Pause& pause) {
  turn.sql.run(
      "INSERT INTO pauses (scope, name, until, actor, why, since, swept) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)"
      " ON CONFLICT (scope, name) DO UPDATE SET until = ?3, actor = ?4, why = ?5, since = ?6, swept = 0",
      to_string(pause.scope), pause.name, to_ms(pause.until), pause.actor, pause.why, turn.now);
  turn.forget_pauses();
  sweep_pauses(turn, kAtOnce);
  return base::success();
}

base::Result<base::Unit> end_pause(Turn& turn, Scope scope, const std::string& name) {
  if (turn.sql.run("DELETE FROM pauses WHERE scope = ? AND name = ?", to_string(scope), name) == 0)
    return base::Error{base::Code::not_found,
                       scope == Scope::everything
                           ? std::string("the queue as a whole is not paused")
                           : "the " + std::string(to_string(scope)) + " \"" + name + "\" is not paused",
                       {}};
  turn.forget_pauses();
  wake_from_pauses(turn, kAtOnce);
  return base::success();
}

base::Result<std::vector<core::Pause>> list_pauses(Turn& turn) {
  std::vector<core::Pause> found;
  auto rows = turn.sql.query(
      "SELECT scope, name, until, actor, why, since FROM pauses"
      " WHERE until IS NULL OR until > ? ORDER BY scope, name",
      turn.now);
  while (rows.next())
    found.push_back({scope_named(rows.text(0)), std::string(rows.text(1)), to_time(rows.maybe(2)),
                     std::string(rows.text(3)), std::string(rows.text(4)), to_time(rows.integer(5))});
  return found;
}

}  // namespace fairlead::store
