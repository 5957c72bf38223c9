#include "store/sqlite/database.hpp"

#include <sqlite3.h>

#include <utility>

namespace fairlead::store {

namespace {

base::Code code_of(int result) {
  switch (result) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::Code::conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::Code::protocol;
    default:
      return base::Code::io;
  }
}

base::Error error_of(sqlite3* database, std::string path) {
  const int code = sqlite3_errcode(database);
  std::string message = sqlite3_errmsg(database);
  if (const int number = sqlite3_system_errno(database); code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
    if (number != 0) message = base::os_error(message, number).message;
  return {code_of(code), std::move(message), std::move(path)};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // A null pointer would be bound as NULL.
  sqlite3_bind_text64(statement_.get(), parameter, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int parameter, std::optional<std::int64_t> value) {
  if (value) return bind(parameter, *value);
  sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

Statement& Statement::bind_copy(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), parameter, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

base::Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  sqlite3* database = sqlite3_db_handle(statement_.get());
  const char* path = sqlite3_db_filename(database, "main");
  return error_of(database, path == nullptr ? "" : path);
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

base::Result<Database> Database::open(const std::string& path, Mode mode, base::Millis busy_timeout) {
  // SQLite's count of its own memory takes a lock around every allocation, and nobody reads it.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);  // fails where another library uses SQLite already; then it counts
  sqlite3* raw = nullptr;
  const int flags = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int result = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (raw == nullptr) return base::Error{base::Code::io, "no memory for a database connection", path};
  Database database(raw, path);
  if (result != SQLITE_OK) return database.error();
  sqlite3_extended_result_codes(raw, 0);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // Nothing that stands in a foreign file's schema is run, and no corruption is repaired into worse.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_busy_timeout(raw, static_cast<int>(busy_timeout.count()));
  return database;
}

base::Result<> Database::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return base::success();
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr) !=
      SQLITE_OK)
    return error();
  return Statement(raw);
}

base::Result<std::int64_t> Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

std::int64_t Database::changed_rows() const {
  return sqlite3_changes64(database_.get());
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

void Database::checkpoint() {
  sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void Database::close_whole() {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

bool Database::moved() const {
  int moved = 0;
  sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

base::Error Database::error() const {
  return error_of(database_.get(), path_);
}

Transaction::~Transaction() {
  if (open_) static_cast<void>(database_.run("ROLLBACK").ok());  // fails where SQLite did it by itself
}

base::Result<> Transaction::begin() {
  return start("BEGIN IMMEDIATE");
}

base::Result<> Transaction::begin_reading() {
  return start("BEGIN");
}

base::Result<> Transaction::start(const char* sql) {
  auto begun = database_.run(sql);
  open_ = begun.ok();
  return begun;
}

base::Result<> Transaction::commit() {
  auto committed = database_.run("COMMIT");
  if (committed) open_ = false;
  return committed;
}

}  // namespace fairlead::store
