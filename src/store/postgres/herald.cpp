#include "store/postgres/herald.hpp"

#include <utility>

#include "store/postgres/dial.hpp"
#include "store/postgres/reply.hpp"

namespace fairlead::store::postgres {

Herald::Herald(loop::Loop& loop, const std::map<std::string, std::string>& options, std::string channel,
               std::string payload, Done done)
    : loop_(loop),
      channel_(std::move(channel)),
      payload_(std::move(payload)),
      done_(std::move(done)),
      ended_(loop, "postgres herald", [this] { done_(std::move(result_)); }) {
  connection_ = dial(options);
  if (PQstatus(connection_) == CONNECTION_BAD)  // that of none, too: no memory
    end(connection_error(connection_));
  else
    watch(false, true);
}

Herald::~Herald() {
  close();
}

void Herald::watch(bool readable, bool writable) {
  poll_ = std::make_unique<loop::Poll>(loop_, "postgres herald", PQsocket(connection_),
                                       [this](loop::Ready) { on_event(); });
  poll_->want(readable, writable);
}

void Herald::on_event() {
  if (connected_)
    go_on_saying();
  else
    go_on_connecting();
}

void Herald::go_on_connecting() {
  poll_.reset();  // libpq may close the descriptor and open another
  const auto wants = PQconnectPoll(connection_);
  if (wants == PGRES_POLLING_FAILED) return end(connection_error(connection_));
  if (wants != PGRES_POLLING_OK) return watch(wants == PGRES_POLLING_READING, wants == PGRES_POLLING_WRITING);
  connected_ = true;
  PQsetnonblocking(connection_, 1);
  const char* const values[] = {channel_.c_str(), payload_.c_str()};
  if (PQsendQueryParams(connection_, "select pg_notify($1, $2)", 2, nullptr, values, nullptr, nullptr, 0) !=
      1)
    return end(connection_error(connection_));
  watch(true, true);
}

void Herald::go_on_saying() {
  const int unsent = PQflush(connection_);
  if (unsent < 0 || PQconsumeInput(connection_) != 1) return end(connection_error(connection_));
  poll_->want(true, unsent > 0);
  while (PQisBusy(connection_) == 0) {
    PGresult* const result = PQgetResult(connection_);
    if (result == nullptr) return end(std::move(result_));  // the server has answered all
    if (PQresultStatus(result) != PGRES_TUPLES_OK) result_ = error_of(result);
    PQclear(result);
  }
}

void Herald::close() {
  poll_.reset();
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
}

void Herald::end(base::Result<> result) {
  close();
  result_ = std::move(result);
  ended_.schedule();
}

}  // namespace fairlead::store::postgres
