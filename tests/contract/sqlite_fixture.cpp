// The store port's contract on the embedded SQLite.
#include <optional>

#include "contract/store_fixture.hpp"
#include "store/migrations.hpp"
#include "store/sqlite/task_store.hpp"
#include "temp_folder.hpp"

namespace fairlead::contract {

namespace {

class SqliteFixture : public StoreFixture {
 public:
  void fresh() override {
    folder_.emplace();
    shift_ = std::make_shared<base::Millis>(0);
  }

  std::unique_ptr<core::TaskStore> connect(loop::Loop& loop, base::Log& log) override {
    store::QueueFileSettings settings;
    settings.folder = folder_->path();
    settings.retry = base::Millis(20);
    settings.busy_timeout = base::Millis(30'000);  // a busy machine may stop the other writer
    settings.clock = [shift = shift_] { return base::wall_now() + *shift; };
    return std::make_unique<store::SqliteTaskStore>(loop, log, settings);
  }

  void pass_time(base::Millis time) override {
    const auto by = std::to_string(time.count());
    const auto shift = [&](const std::string& table, std::initializer_list<const char*> columns) {
      std::string sql;
      for (const std::string column : columns)
        sql += (sql.empty() ? "UPDATE " + table + " SET " : ", ") + column + " = " + column + " - " + by;
      run(sql);
    };
    for (const char* table : {"tasks", "history"})
      shift(table, {"due_at", "since", "own_end", "run_at", "submitted_at", "claimed_at", "started_at",
                    "finished_at"});
    shift("workers", {"lease_until", "beat_at", "registered_at"});
    shift("pauses", {"until", "since"});
    shift("idempotency", {"ended_at"});
  }

  bool step_clock(base::Millis by) override {
    *shift_ += by;
    return true;
  }

  std::vector<HeldLock> held_locks() override {
    std::vector<HeldLock> held;
    auto database = open();
    auto rows = database.prepare("SELECT key, task FROM locks ORDER BY key");
    while (rows->step().ok() && !rows->text(0).empty())
      held.push_back({std::string(rows->text(0)), core::TaskId{rows->integer(1)}});
    return held;
  }

  void pretend_newer_schema(bool newer) override {
    if (newer)
      run("PRAGMA user_version = 999");
    else
      run("PRAGMA user_version = " + std::to_string(newest(store::sqlite_migrations())));
  }

 private:
  store::Database open() {
    const auto path = folder_->path(store::kQueueName);
    auto database = store::Database::open(path, store::Database::Mode::read_write, base::Millis(10'000));
    assert_true(database.ok());
    return std::move(*database);
  }
  void run(const std::string& sql) {
    if (const auto done = open().run(sql.c_str()); !done) fail_msg("%s", done.error().text().c_str());
  }

  std::optional<TempFolder> folder_;
  std::shared_ptr<base::Millis> shift_;  // read on the pool threads, changed while nothing is under way
};

}  // namespace

std::unique_ptr<StoreFixture> make_fixture() {
  return std::make_unique<SqliteFixture>();
}

}  // namespace fairlead::contract
