// One connection to an SQLite file, and its statements: the home of sqlite3.h. Blocking: pool threads and the
// CLI. A Database may move between threads, but is used by one at a time; it outlives its statements.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fairlead::store {

// Error{protocol} is what a file gives that is no database, or a broken one; Error{conflict}: somebody else
// has it locked.
inline bool tells_damage(const base::Error& error) {
  return error.code == base::Code::protocol;
}

class Statement {
 public:
  // Parameters count from 1. A text is borrowed until the next reset().
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::optional<std::int64_t> value);  // nothing: NULL
  Statement& bind_copy(int parameter, std::string_view text);         // not borrowed

  // True: a row is there; false: done. An error says what SQLite said.
  base::Result<bool> step();
  void reset();

  // Columns of the row count from 0; a text is borrowed until the next step().
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode : std::uint8_t { read_only, read_write };

  // The file must exist. Closing does not wait for the disk: what is in the write-ahead log stays there for
  // the next one who opens. close_whole() says otherwise.
  static base::Result<Database> open(const std::string& path, Mode mode, base::Millis busy_timeout);

  base::Result<> run(const char* sql);  // one or more statements, without results
  base::Result<Statement> prepare(std::string_view sql);
  base::Result<std::int64_t> integer(std::string_view sql);  // first column of the first row; 0 without one
  std::int64_t changed_rows() const;                         // by the last statement
  bool in_transaction() const;  // false also after an error that made SQLite roll back by itself

  // Moves the write-ahead log into the file and cuts it to nothing, as far as readers let it.
  void checkpoint();
  // From now on the last one who closes moves the write-ahead log into the file and removes it.
  void close_whole();

  // Whether the file was renamed or deleted since it was opened.
  bool moved() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Database(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  base::Error error() const;

  std::unique_ptr<sqlite3, Close> database_;
  std::string path_;
};

// A transaction that rolls back unless it was committed. Outlived by its database.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  base::Result<> begin();          // to write: waits for other writers up to the busy timeout
  base::Result<> begin_reading();  // one state of the data for all that is read
  base::Result<> commit();

 private:
  base::Result<> start(const char* sql);

  Database& database_;
  bool open_ = false;
};

}  // namespace fairlead::store
