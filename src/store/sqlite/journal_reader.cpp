#include "store/sqlite/journal_reader.hpp"

#include <limits>
#include <utility>

#include "core/decision_sample.hpp"
#include "store/sqlite/journal_file.hpp"

namespace fairlead::store {

namespace {

constexpr std::size_t kPageRows = 256;
constexpr std::size_t kPageBytes = 1u << 20;

constexpr const char* kSelect =
    "SELECT seq, time_ms, event, kind, context, verdict, why, hook, generation, duration_us, left_out"
    " FROM decisions WHERE seq > ?1 AND time_ms >= ?2 AND time_ms < ?3 AND (?4 = '' OR event = ?4)"
    " ORDER BY seq LIMIT ?5";

std::int64_t millis(std::optional<base::WallTime> time, std::int64_t otherwise) {
  if (!time) return otherwise;
  return std::chrono::duration_cast<base::Millis>(time->time_since_epoch()).count();
}

core::Decision decision_in(const Statement& row) {
  core::Decision decision;
  decision.seq = static_cast<std::uint64_t>(row.integer(0));
  decision.time = base::WallTime(base::Millis(row.integer(1)));
  decision.event = row.text(2);
  decision.kind = row.text(3);
  decision.context = row.text(4);
  decision.verdict = row.text(5);
  decision.why = row.text(6);
  decision.hook = row.text(7);
  decision.generation = static_cast<std::uint64_t>(row.integer(8));
  decision.duration = std::chrono::microseconds(row.integer(9));
  decision.left_out = static_cast<std::uint64_t>(row.integer(10));
  return decision;
}

}  // namespace

base::Result<JournalReader> JournalReader::open(const std::string& path, core::JournalQuery query) {
  auto database = open_journal_for_reading(path);
  if (!database) return database.error();
  return JournalReader(std::move(*database), std::move(query));
}

base::Result<core::DecisionPage> JournalReader::next() {
  core::DecisionPage page;
  if (ended_) return page;
  auto statement = database_.prepare(kSelect);
  if (!statement) return statement.error();
  const auto rows = query_.limit == 0 ? kPageRows : std::min(kPageRows, query_.limit);
  statement->bind(1, static_cast<std::int64_t>(query_.after_seq))
      .bind(2, millis(query_.since, std::numeric_limits<std::int64_t>::min()))
      .bind(3, millis(query_.until, std::numeric_limits<std::int64_t>::max()))
      .bind(4, query_.event)
      .bind(5, static_cast<std::int64_t>(rows));
  std::size_t bytes = 0;
  while (bytes < kPageBytes) {
    const auto row = statement->step();
    if (!row) return row.error();
    if (!*row) break;
    page.push_back(decision_in(*statement));
    bytes += core::weight_of(page.back());
  }
  if (page.empty()) {
    ended_ = true;
    return page;
  }
  query_.after_seq = page.back().seq;
  if (query_.limit > 0) {
    query_.limit -= page.size();
    ended_ = query_.limit == 0;
  }
  return page;
}

}  // namespace fairlead::store
