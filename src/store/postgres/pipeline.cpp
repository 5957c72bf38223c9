#include "store/postgres/pipeline.hpp"

#include <utility>

namespace fairlead::store::postgres {

namespace {

bool is_named(const Command& command) {
  return command.text.empty() && *command.statement.name != '\0';
}

}  // namespace

Pipeline::Pipeline(PGconn* connection, bool may_prepare, std::vector<Command> prefix)
    : connection_(connection), may_prepare_(may_prepare), prefix_(std::move(prefix)) {}

void Pipeline::send(Batch batch) {
  if (may_prepare_)
    for (const auto& command : batch.commands)
      if (is_named(command) && !prepared_.contains(command.statement.name)) prepare(command.statement);
  for (const auto& command : prefix_) send_command(command);
  for (const auto& command : batch.commands) send_command(command);
  UnderWay entry;
  entry.batch = std::move(batch);
  entry.skipped = prefix_.size();
  add(std::move(entry));
}

// A step of its own, so that the failure of a batch does not take the statement with it.
void Pipeline::prepare(const Statement& statement) {
  if (PQsendPrepare(connection_, statement.name, statement.sql, 0, nullptr) != 1)
    refused_ = connection_error(connection_);
  prepared_.insert(statement.name);
  UnderWay entry;
  entry.prepares = statement.name;
  add(std::move(entry));
}

void Pipeline::send_command(const Command& command) {
  std::vector<const char*> values;
  values.reserve(command.values.size());
  for (const auto& value : command.values) values.push_back(value ? value->c_str() : nullptr);
  const int count = static_cast<int>(values.size());
  const bool named = may_prepare_ && is_named(command);
  const char* text = command.text.empty() ? command.statement.sql : command.text.c_str();
  const int sent =
      named ? PQsendQueryPrepared(connection_, command.statement.name, count, values.data(), nullptr, nullptr,
                                  0)
            : PQsendQueryParams(connection_, text, count, nullptr, values.data(), nullptr, nullptr, 0);
  if (sent != 1) refused_ = connection_error(connection_);
}

void Pipeline::add(UnderWay entry) {
  if (PQpipelineSync(connection_) != 1) refused_ = connection_error(connection_);
  entry.sent = base::steady_now();
  under_way_.push_back(std::move(entry));
}

base::Result<bool> Pipeline::flush() {
  if (refused_) return *refused_;
  const int left = PQflush(connection_);
  if (left < 0) return connection_error(connection_);
  return left == 0;
}

base::Result<std::vector<Pipeline::Finished>> Pipeline::collect() {
  std::vector<Finished> finished;
  int ends = 0;  // libpq separates commands by one null
  while (!under_way_.empty() && PQisBusy(connection_) == 0) {
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) {
      if (++ends <= 2) continue;
      // Behind the last answer of a connection that has ended there are only nulls; what came before is
      // answered.
      if (PQstatus(connection_) == CONNECTION_BAD || !finished.empty()) break;
      return base::Error{base::Code::protocol, "PostgreSQL's answers do not add up", {}};
    }
    ends = 0;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
      PQclear(result);
      finish(finished);
    } else {
      note(result);
    }
  }
  if (PQstatus(connection_) == CONNECTION_BAD && finished.empty()) return connection_error(connection_);
  if (ending_ && under_way_.empty() && finished.empty())
    return base::Error{base::Code::unavailable, "the server does not take writes any more", {}};
  return finished;
}

// Owns the result.
void Pipeline::note(PGresult* result) {
  auto& entry = under_way_.front();
  Reply reply(result);
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
      if (entry.skipped > 0)
        --entry.skipped;
      else
        entry.replies.push_back(std::move(reply));
      return;
    case PGRES_PIPELINE_ABORTED:  // the error came before
      return;
    default:
      break;
  }
  if (entry.error) return;
  entry.error = error_of(result);
  if (entry.error->where == "26000" && preparation_) entry.error = *preparation_;
  if (ends_the_connection(entry.error->where)) ending_ = true;
}

void Pipeline::finish(std::vector<Finished>& finished) {
  auto entry = std::move(under_way_.front());
  under_way_.pop_front();
  if (!entry.prepares.empty()) {
    if (!entry.error) return;
    prepared_.erase(entry.prepares);
    preparation_ = std::move(entry.error);
    preparation_->message += " (statement " + entry.prepares + ")";
    return;
  }
  if (entry.error)
    finished.push_back({std::move(entry.batch.done), std::move(*entry.error)});
  else
    finished.push_back({std::move(entry.batch.done), std::move(entry.replies)});
}

std::vector<Done> Pipeline::give_up() {
  std::vector<Done> left;
  for (auto& entry : under_way_)
    if (entry.batch.done) left.push_back(std::move(entry.batch.done));
  under_way_.clear();
  return left;
}

}  // namespace fairlead::store::postgres
