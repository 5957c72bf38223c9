// What the server answers to one command, and what its errors mean to us. Private to the module
// fairlead-postgres.so.
#pragma once
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fairlead::store::postgres {

// The rows of one command, in text format. Texts are valid while the Reply lives.
class Reply {
 public:
  explicit Reply(PGresult* result) : result_(result) {}

  int rows() const { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::string_view text(int row, int column) const;  // empty for NULL
  std::int64_t integer(int row, int column) const;   // 0 for NULL
  bool boolean(int row, int column) const { return text(row, column) == "t"; }
  std::int64_t affected() const;  // rows written

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

// The SQLSTATE class decides the code: what passes by itself is `unavailable`, a lost race `conflict`.
base::Error error_of(const PGresult* result);
// Of libpq, on one line.
base::Error connection_error(const PGconn* connection);

// The server can be asked, and yet this connection is of no more use: it stops, or it became a standby.
bool ends_the_connection(std::string_view sqlstate);

}  // namespace fairlead::store::postgres
