// What the contract's tests need of PostgreSQL: a server of this program's own (scripts/dev-postgres).
#include <libpq-fe.h>

#include "contract/store_fixture.hpp"
#include "postgres_server.hpp"
#include "store/postgres/postgres_task_store.hpp"

namespace fairlead::contract {

namespace {

// Every column that holds a time.
constexpr char kShift[] = R"(
  set search_path = fairlead;
  update queue set calm_until = calm_until - %1$s;
  update tasks set due_at = due_at - %1$s, since = since - %1$s, own_end = own_end - %1$s, run_at = run_at - %1$s,
    submitted_at = submitted_at - %1$s, claimed_at = claimed_at - %1$s, started_at = started_at - %1$s;
  update history set since = since - %1$s, submitted_at = submitted_at - %1$s, claimed_at = claimed_at - %1$s,
    started_at = started_at - %1$s, finished_at = finished_at - %1$s;
  update idempotency set ended_at = ended_at - %1$s;
  update workers set lease_until = lease_until - %1$s, beat_at = beat_at - %1$s, registered_at = registered_at - %1$s;
  update pauses set until = until - %1$s, since = since - %1$s;
)";

constexpr char kEmpty[] = R"(
  set search_path = fairlead;
  truncate tasks, history, dependencies, locks, lock_waits, lock_rechecks, idempotency, workers, pauses, untold;
  update queue set calm_until = 0;
  alter sequence task_ids restart; alter sequence incarnations restart; alter sequence history_ids restart;
)";

class PostgresFixture : public StoreFixture {
 public:
  PostgresFixture() : own_(PQconnectdb(server_["socket_url"].c_str())) {
    if (PQstatus(own_) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(own_));
  }
  ~PostgresFixture() override { PQfinish(own_); }

  void fresh() override {
    run("set client_min_messages = warning; drop schema if exists fairlead cascade");
    clock_moved_ = false;
  }
  // Half of the suite's time would be the making of tables.
  void empty() override {
    if (clock_moved_ || !has_tables()) return fresh();
    run(kEmpty);
  }

  std::unique_ptr<core::TaskStore> connect(loop::Loop& loop, base::Log& log) override {
    core::StoreSettings settings;
    settings.url = server_["url"];
    settings.password_file = server_["password_file"];
    return std::make_unique<store::postgres::PostgresTaskStore>(
        loop, log, store::postgres::connection_settings(settings));
  }

  void pass_time(base::Millis time) override {
    std::string text = kShift;
    const auto by = std::to_string(time.count());
    for (auto at = text.find("%1$s"); at != std::string::npos; at = text.find("%1$s", at))
      text.replace(at, 4, by);
    run(text);
  }

  bool step_clock(base::Millis by) override {
    clock_moved_ = true;
    run("create or replace function fairlead.now_ms() returns bigint language sql volatile as"
        " $$ select (extract(epoch from clock_timestamp()) * 1000)::bigint + " +
        std::to_string(by.count()) + " $$");
    return true;
  }

  std::vector<HeldLock> held_locks() override {
    PGresult* const rows = PQexec(own_, "select key, task from fairlead.locks order by key");
    std::vector<HeldLock> held;
    for (int row = 0; row < PQntuples(rows); ++row)
      held.push_back({PQgetvalue(rows, row, 0), core::TaskId{std::atoll(PQgetvalue(rows, row, 1))}});
    PQclear(rows);
    return held;
  }

  void pretend_newer_schema(bool newer) override {
    run(newer ? "insert into fairlead.migrations values (999, 'of_the_future')"
              : "delete from fairlead.migrations where number = 999");
  }

 private:
  bool has_tables() {
    PGresult* const found = PQexec(own_, "select to_regclass('fairlead.untold') is not null");
    const bool there = PQntuples(found) == 1 && PQgetvalue(found, 0, 0)[0] == 't';
    PQclear(found);
    return there;
  }
  void run(const std::string& text) {
    PGresult* const result = PQexec(own_, text.c_str());
    const bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    PQclear(result);
    if (!good) fail_msg("%s: %s", text.c_str(), PQerrorMessage(own_));
  }

  PostgresServer server_;
  PGconn* own_;
  bool clock_moved_ = false;  // now_ms() is not the product's any more
};

}  // namespace

std::unique_ptr<StoreFixture> make_fixture() {
  return std::make_unique<PostgresFixture>();
}

}  // namespace fairlead::contract
