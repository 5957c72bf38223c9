#include "store/postgres/reply.hpp"

#include <charconv>

#include "base/text.hpp"

namespace fairlead::store::postgres {

namespace {

std::string_view field_of(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

// PostgreSQL's appendix A, "Error Codes".
base::Code code_of(std::string_view state) {
  const auto is = [&](std::string_view prefix) { return state.starts_with(prefix); };
  if (is("40") || state == "23505") return base::Code::conflict;  // serialization, deadlock, unique
  if (state == "57014" || state == "55P03") return base::Code::timed_out;
  if (is("08") || is("57") || state == "25006" || state == "53300") return base::Code::unavailable;
  if (is("53") || is("58") || is("XX")) return base::Code::io;  // disk full, out of memory, damaged
  if (is("28") || is("42501")) return base::Code::forbidden;
  return base::Code::internal;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : base::trim(text)) line += c == '\n' || c == '\t' ? ' ' : c;
  return line;
}

}  // namespace

std::string_view Reply::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Reply::integer(int row, int column) const {
  const auto digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::int64_t Reply::affected() const {
  const std::string_view digits = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

base::Error error_of(const PGresult* result) {
  const auto state = field_of(result, PG_DIAG_SQLSTATE);
  std::string message = "PostgreSQL says: ";
  const auto primary = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  message += one_line(primary.empty() ? PQresultErrorMessage(result) : primary);
  if (const auto hint = field_of(result, PG_DIAG_MESSAGE_HINT); !hint.empty())
    message.append(" (").append(one_line(hint)).append(")");
  return {code_of(state), std::move(message), std::string(state)};
}

base::Error connection_error(const PGconn* connection) {
  const char* text = PQerrorMessage(connection);
  auto message = one_line(text == nullptr ? "" : text);
  return {base::Code::unavailable, message.empty() ? "the connection ended" : std::move(message), {}};
}

bool ends_the_connection(std::string_view sqlstate) {
  // 57P01..57P03: it shuts down or has crashed. 25006: a write was refused, as the server is a standby now.
  return sqlstate.starts_with("57P0") || sqlstate == "25006";
}

}  // namespace fairlead::store::postgres
