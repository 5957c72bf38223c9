#include "store/sqlite/journal_writer.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"
#include "core/secrets.hpp"
#include "store/sqlite/journal_file.hpp"

namespace fairlead::store {

namespace {

constexpr int kStepsPerCall = 16;
constexpr std::uint64_t kRowsPerStep = 256;
constexpr const char* kVacuumStep = "PRAGMA incremental_vacuum(256)";

constexpr const char* kInsert = R"(
  INSERT INTO decisions (time_ms, event, kind, context, verdict, why, hook, generation, duration_us, left_out)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))";
constexpr const char* kRemoveOlder = R"(
  DELETE FROM decisions WHERE seq IN
    (SELECT seq FROM decisions WHERE time_ms < ? ORDER BY time_ms LIMIT 256))";
constexpr const char* kRemoveFirst =
    "DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions ORDER BY seq LIMIT ?)";
// Nearly: the clock may have been set back, and then pruning by age leaves gaps.
constexpr const char* kRowCount =
    "SELECT (SELECT max(seq) FROM decisions) - (SELECT min(seq) FROM decisions) + 1";

std::int64_t millis(base::WallTime time) {
  return std::chrono::duration_cast<base::Millis>(time.time_since_epoch()).count();
}

// Always JSON, whatever came in or was made of it.
std::string stored_json(const std::string& text) {
  const auto tree = base::Json::parse(text);
  return tree ? core::redact(tree->view()).dump() : base::Json(core::redact(text)).dump();
}

}  // namespace

JournalOutcome JournalWriter::write(const JournalBatch& batch, base::WallTime now) {
  out_ = JournalOutcome{};
  auto done = attempt(batch, now);
  if (!done && tells_damage(done.error())) {
    // A journal that cannot be read is of no use to anybody here; who wants to mend it finds it beside.
    const auto why = done.error().text();
    database_.reset();
    if (auto aside = put_journal_aside(settings_.path, now)) {
      out_.set_aside = *aside;
      out_.why = why;
      done = attempt(out_.stored ? JournalBatch{} : batch, now);
    } else {
      done = aside.error();
    }
  }
  if (!done) {
    out_.error = done.error().text();
    database_.reset();  // a fresh connection is the cure of what an I/O error left in this one
  }
  return std::move(out_);
}

base::Result<> JournalWriter::attempt(const JournalBatch& batch, base::WallTime now) {
  if (auto opened = ensure_open(now); !opened) return opened;
  if (!batch.empty())
    if (auto inserted = insert(batch); !inserted) return inserted;
  out_.stored = true;
  return maintain(now);
}

base::Result<> JournalWriter::ensure_open(base::WallTime now) {
  // What is written into a file that was deleted or renamed is lost.
  if (database_ && database_->moved()) database_.reset();
  if (database_) return base::success();
  auto opened = open_journal(settings_.path, now);
  if (!opened) return opened.error();
  database_.emplace(std::move(opened->database));
  if (!opened->set_aside.empty()) {
    out_.set_aside = opened->set_aside;
    out_.why = opened->why;
  }
  return base::success();
}

base::Result<> JournalWriter::insert(const JournalBatch& batch) {
  auto statement = database_->prepare(kInsert);
  if (!statement) return statement.error();
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  for (const auto& row : batch) {
    const auto& decision = *row.decision;
    const bool safe_default = decision.verdict == core::kSafeDefault;
    const auto context = stored_json(row.context.value_or(decision.context));
    // The operator's `redact` may have got either in the one place: see Journal.
    const auto verdict =
        safe_default ? decision.verdict : stored_json(row.verdict.value_or(decision.verdict));
    const auto why = safe_default ? core::redact(row.verdict.value_or(decision.why)) : std::string();
    statement->bind(1, millis(decision.time))
        .bind(2, decision.event)
        .bind(3, decision.kind)
        .bind(4, context)
        .bind(5, verdict)
        .bind(6, why)
        .bind(7, decision.hook)
        .bind(8, static_cast<std::int64_t>(decision.generation))
        .bind(9, decision.duration.count())
        .bind(10, static_cast<std::int64_t>(decision.left_out));
    const auto stepped = statement->step();
    statement->reset();
    if (!stepped) return stepped.error();
  }
  return transaction.commit();
}

base::Result<> JournalWriter::maintain(base::WallTime now) {
  bool more = true;
  for (int step = 0; more && step < kStepsPerCall; ++step) {
    const auto pruned = prune_step(now);
    if (!pruned) return pruned.error();
    more = *pruned;
  }
  out_.unfinished = more;
  const auto left = pages();
  if (!left) return left.error();
  out_.bytes = left->bytes();
  return base::success();
}

// True: something was done, and there may be more.
base::Result<bool> JournalWriter::prune_step(base::WallTime now) {
  if (auto removed = remove(kRemoveOlder, millis(now - settings_.max_age)); !removed || *removed)
    return removed;
  const auto before = pages();
  if (!before) return before.error();
  const auto slack = settings_.max_bytes / 16;
  if (before->used() > settings_.max_bytes - slack / 2) over_size_ = true;
  if (before->used() <= settings_.max_bytes - slack) over_size_ = false;
  if (over_size_) {
    const auto rows = database_->integer(kRowCount);
    if (!rows) return rows.error();
    const auto excess = before->used() - (settings_.max_bytes - slack);
    const auto share = static_cast<std::uint64_t>(*rows) * excess / before->used() + 1;
    return remove(kRemoveFirst, static_cast<std::int64_t>(std::min(share, kRowsPerStep)));
  }
  const bool give_back =
      before->free > 0 && (before->bytes() > settings_.max_bytes || before->free * before->size > slack);
  if (!give_back) return false;
  if (auto vacuumed = database_->run(kVacuumStep); !vacuumed) return vacuumed.error();
  database_->checkpoint();  // the file itself only shrinks then
  return true;
}

base::Result<bool> JournalWriter::remove(const char* sql, std::int64_t parameter) {
  auto statement = database_->prepare(sql);
  if (!statement) return statement.error();
  if (auto done = statement->bind(1, parameter).step(); !done) return done.error();
  return database_->changed_rows() > 0;
}

base::Result<JournalWriter::Pages> JournalWriter::pages() {
  const auto size = database_->integer("PRAGMA page_size");
  if (!size) return size.error();
  const auto all = database_->integer("PRAGMA page_count");
  if (!all) return all.error();
  const auto free = database_->integer("PRAGMA freelist_count");
  if (!free) return free.error();
  return Pages{static_cast<std::uint64_t>(*size), static_cast<std::uint64_t>(*all),
               static_cast<std::uint64_t>(*free)};
}

void JournalWriter::close() {
  if (database_) database_->close_whole();
  database_.reset();
}

}  // namespace fairlead::store
