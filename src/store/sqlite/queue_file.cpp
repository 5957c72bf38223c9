#include "store/sqlite/queue_file.hpp"

#include <algorithm>
#include <utility>

#include "base/failpoint.hpp"
#include "store/migrations.hpp"
#include "store/sqlite/queue_open.hpp"

namespace fairlead::store {

namespace {

constexpr Ms kClockSlack = 2'000;  // more than slewing does between two calls

// What callers and operators are told: a busy file is waited for, a damaged one needs a hand.
base::Error told(base::Error error, const std::string& path) {
  if (error.code == base::Code::conflict)
    return {base::Code::unavailable, "another process holds the queue's file: " + error.message, path};
  if (tells_damage(error))
    return {base::Code::protocol,
            "the queue's file is damaged (" + error.message + "): stop fairlead and recover it (sqlite3 " +
                path + " .recover | sqlite3 recovered.sqlite), or move it away to begin an empty queue",
            path};
  if (error.where.empty()) error.where = path;
  return error;
}

}  // namespace

QueueFile::QueueFile(QueueFileSettings settings)
    : settings_(std::move(settings)), path_(settings_.folder + "/" + kQueueName) {}

BatchOutcome QueueFile::run(QueueCalls& calls) {
  BatchOutcome outcome;
  watch_clock();
  auto done = open();
  if (done) done = run_in_transaction(calls, outcome);
  outcome.schema = schema_;
  if (done) return outcome;
  outcome.trouble = told(done.error(), path_);
  outcome.hint = false;
  for (const auto& call : calls) call->fail(*outcome.trouble);
  sql_.reset();  // a fresh connection is the cure of what an I/O error left in this one
  return outcome;
}

base::Result<> QueueFile::open() {
  // What is written into a file that was deleted or renamed is lost.
  if (sql_ && sql_->database().moved()) sql_.reset();
  if (sql_) return base::success();
  auto database = open_queue(path_, !was_open_, settings_.busy_timeout);
  if (!database) return database.error();
  sql_ = std::make_unique<Sql>(std::move(*database));
  was_open_ = true;
  schema_ = newest(sqlite_migrations());
  return base::success();
}

// A step is a change of the distance between the store's clock and one that never steps.
void QueueFile::watch_clock() {
  now_ = to_ms(settings_.clock());
  boot_ = base::BootClock::now().time_since_epoch().count();
  const Ms offset = now_ - boot_;
  if (offset_ && std::abs(offset - *offset_) > kClockSlack) stepped_at_ = boot_;
  offset_ = offset;
}

base::Result<> QueueFile::run_in_transaction(QueueCalls& calls, BatchOutcome& outcome) {
  const bool reads = !calls.empty() && std::none_of(calls.begin(), calls.end(),
                                                    [](const auto& call) { return call->writes(); });
  Transaction transaction(sql_->database());
  if (auto begun = reads ? transaction.begin_reading() : transaction.begin(); !begun) return begun;
  if (calls.empty())
    if (auto tried = sql_->database().run("UPDATE queue SET boot = boot"); !tried) return tried;
  for (const auto& call : calls)
    if (auto done = run_call(*call, outcome); !done) return done;
  base::failpoint(base::Failpoint::commit_before);
  auto committed = transaction.commit();
  base::failpoint(base::Failpoint::committed);
  return committed;
}

// An error is the whole batch's: SQLite has rolled back by itself, or says that the file is damaged.
base::Result<> QueueFile::run_call(QueueCall& call, BatchOutcome& outcome) {
  Turn turn(*sql_, now_, boot_, stepped_at_);
  if (call.writes()) sql_->run("SAVEPOINT one_call");
  bool keep = call.run(turn);
  if (keep && call.writes()) turn.store_totals();
  std::optional<base::Error> error;
  if (sql_->failed()) error = sql_->error();
  sql_->forget_error();
  if (error && (tells_damage(*error) || (call.writes() && !sql_->database().in_transaction()))) return *error;
  if (error) {
    keep = false;
    call.fail(told(*error, path_));
  }
  if (call.writes()) {
    if (!keep) sql_->run("ROLLBACK TO one_call");
    sql_->run("RELEASE one_call");
    if (sql_->failed()) {
      const auto broken = sql_->error();
      sql_->forget_error();
      return broken;
    }
  }
  if (!keep) return base::success();
  call.untold = std::move(turn.changes);
  outcome.hint = outcome.hint || turn.work_ready || turn.stop_asked;
  return base::success();
}

void QueueFile::close() {
  if (sql_) sql_->database().close_whole();
  sql_.reset();
}

}  // namespace fairlead::store
