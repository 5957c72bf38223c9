// Statements on one connection, as the queue's calls write them: prepared once, kept, and bound by position.
//
//   sql.run("UPDATE locks SET task = ? WHERE key = ?", 7, key);
//   for (auto rows = sql.query("SELECT id FROM tasks WHERE route = ?", route); rows.next();) …
//
// The first error stays: from then on every statement does nothing and yields no row, and whoever runs the
// call asks failed() once, at its end, and rolls back. Statements are told apart by the address of their
// text, which must live as long as the Sql. Blocking: one pool thread at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/result.hpp"
#include "store/sqlite/database.hpp"

namespace fairlead::store {

class Sql {
  struct Kept {
    Statement statement;
    bool in_use = false;
  };

 public:
  explicit Sql(Database database) : database_(std::move(database)) {}
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;

  // The rows of one query; the statement is free again when they go.
  class Rows {
   public:
    Rows(Sql& sql, Kept* kept) : sql_(sql), kept_(kept) {}
    ~Rows();
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    bool next();
    std::int64_t integer(int column) const { return kept_->statement.integer(column); }
    std::string_view text(int column) const { return kept_->statement.text(column); }  // until next()
    std::optional<std::int64_t> maybe(int column) const;

   private:
    Sql& sql_;
    Kept* kept_;
  };

  // Texts are copied; the statement must not be asked again while its rows are there.
  template <typename... Values>
  Rows query(const char* text, const Values&... values) {
    Kept* const kept = take(text);
    int position = 0;
    if (kept != nullptr) (bind_value(kept->statement, ++position, values, true), ...);
    return Rows(*this, kept);
  }
  // How many rows it changed.
  template <typename... Values>
  std::int64_t run(const char* text, const Values&... values) {
    Kept* const kept = take(text);
    if (kept == nullptr) return 0;
    int position = 0;
    (bind_value(kept->statement, ++position, values, false), ...);
    return finish(*kept);
  }

  bool failed() const { return error_.has_value(); }
  const base::Error& error() const { return *error_; }  // precondition: failed()
  void fail(base::Error error);                         // the first one stays
  void forget_error() { error_.reset(); }
  Database& database() { return database_; }

 private:
  template <typename Value>
  static void bind_value(Statement& statement, int position, const Value& value, bool copy) {
    if constexpr (std::is_integral_v<Value>) {
      statement.bind(position, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_same_v<Value, std::optional<std::int64_t>>) {
      statement.bind(position, value);
    } else if (copy) {
      statement.bind_copy(position, value);
    } else {
      statement.bind(position, std::string_view(value));
    }
  }
  Kept* take(const char* text);
  std::int64_t finish(Kept& kept);

  Database database_;
  std::unordered_map<const char*, Kept> kept_;  // goes before the database
  std::optional<base::Error> error_;
};

}  // namespace fairlead::store
