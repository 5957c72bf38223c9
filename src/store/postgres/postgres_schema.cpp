// PostgresTaskStore between a session and an open store: is the schema there, and is it ours?
#include "store/migrations.hpp"
#include "store/postgres/postgres_task_store.hpp"

namespace fairlead::store::postgres {

namespace {

constexpr int kOldestServer = 130'000;  // PQserverVersion

// Nothing of the schema may be looked at before it is there, and an existing one needs no right to make it.
constexpr Statement kIsThere{"", "select to_regclass('fairlead.migrations') is not null"};
constexpr Statement kFound{"", "select coalesce(max(number), 0) from fairlead.migrations"};
constexpr Statement kLock{"", "select pg_advisory_xact_lock(70216, 0)"};
constexpr Statement kPatience{"", "select set_config('statement_timeout', '0', true)"};
constexpr Statement kSchema{"", "create schema if not exists fairlead"};
constexpr Statement kTable{
    "",
    "create table if not exists fairlead.migrations"
    " (number integer primary key, name text not null, applied_at timestamptz not null default now())"};

// As one statement, so that it can go through the pipeline: looks under the lock whether another daemon was
// faster.
std::string step_text(const Migration& step) {
  const auto number = std::to_string(step.number);
  return "do $fairlead_step$ begin if not exists (select from fairlead.migrations where number = " + number +
         ") then execute $fairlead_sql$" + step.sql +
         "$fairlead_sql$; insert into fairlead.migrations values (" + number + ", '" +
         std::string(step.name) + "'); end if; end $fairlead_step$";
}

}  // namespace

void PostgresTaskStore::look_at_schema() {
  clock_seen_ = 0;
  if (const int version = connection_->server_version(); version > 0 && version < kOldestServer)
    return refuse({base::Code::unsupported,
                   "this is PostgreSQL " + std::to_string(version / 10'000) + ": 13 or newer is needed",
                   {}});
  connection_->run({{kIsThere, {}}}, [this](base::Result<Replies> there) {
    if (!there) return;  // the connection is lost: on_away tells
    if (!(*there)[0].boolean(0, 0)) return migrate(0);
    connection_->run({{kFound, {}}}, [this](base::Result<Replies> found) {
      if (found) return on_schema(static_cast<int>((*found)[0].integer(0, 0)));
      if (found.error().code != base::Code::unavailable) refuse(found.error());
    });
  });
}

void PostgresTaskStore::on_schema(int found) {
  const int known = newest(postgres_migrations());
  if (found > known) return refuse(newer_schema(found, known, status_.place));
  if (found < known) return migrate(found);
  status_.schema = found;
  enter(core::StoreStatus::State::open, {});
  // What happened while nobody listened.
  hint_.schedule();
}

void PostgresTaskStore::migrate(int from) {
  if (opening_ == core::Opening::look)
    return refuse(older_schema(from, newest(postgres_migrations()), status_.place));
  for (const auto& step : postgres_migrations()) {
    if (step.number != from + 1) continue;
    log_.info("store_migrates", {{"place", status_.place}, {"step", step.number}, {"name", step.name}});
    connection_->run(
        {{kLock, {}}, {kPatience, {}}, {kSchema, {}}, {kTable, {}}, {{"", ""}, {}, step_text(step)}},
        [this](base::Result<Replies> made) {
          if (made) return look_at_schema();
          if (made.error().code != base::Code::unavailable) refuse(made.error());
        });
    return;
  }
}

// Waiting does not help.
void PostgresTaskStore::refuse(const base::Error& error) {
  refusal_ = error.code;
  enter(core::StoreStatus::State::refused, error.text());
  log_.error("store_refused", {{"place", status_.place}, {"error", error.text()}});
  if (connection_) connection_->stop();
}

}  // namespace fairlead::store::postgres
