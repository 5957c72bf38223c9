// The half of Connection that is at work while there is a session: sending, receiving, losing it.
#include <algorithm>
#include <utility>

#include "store/postgres/connection.hpp"

namespace fairlead::store::postgres {

namespace {

constexpr base::Millis kProven{60'000};  // so long a connection makes the next wait short again

}  // namespace

// In one command. `local`: for one transaction.
std::vector<Command> Connection::session_settings(bool local) const {
  static constexpr char kSql[] =
      "select set_config('search_path', 'fairlead', $1::bool),"
      // All look rows up by their keys. A plan made on an empty table stays a sequential scan, or a join that
      // reads the whole of a table; and the price that these settings put on them would start the JIT
      // compiler.
      " set_config('enable_seqscan', 'off', $1::bool), set_config('enable_hashjoin', 'off', $1::bool),"
      " set_config('enable_mergejoin', 'off', $1::bool), set_config('jit', 'off', $1::bool),"
      " set_config('statement_timeout', $2, $1::bool), set_config('lock_timeout', $3, $1::bool),"
      " set_config('idle_in_transaction_session_timeout', $2, $1::bool),"
      " set_config('TimeZone', 'UTC', $1::bool), set_config('DateStyle', 'ISO', $1::bool)";
  return {{{"", kSql},
           {std::string(local ? "t" : "f"), std::to_string(settings_.statement_timeout.count()),
            std::to_string(settings_.lock_timeout.count())}}};
}

void Connection::run(std::vector<Command> commands, Done done) {
  if (ready())
    queue_.push_back({std::move(commands), std::move(done)});
  else
    refused_.push_back(std::move(done));
  pump_.schedule();
}

void Connection::watch() {
  poll_ = std::make_unique<loop::Poll>(loop_, "postgres", PQsocket(connection_),
                                       [this](loop::Ready) { on_event(); });
  poll_->want(true, false);
}

void Connection::on_event() {
  const auto alive = alive_;
  const bool readable = PQconsumeInput(connection_) == 1;
  auto finished = pipeline_->collect();
  std::vector<Notification> notifications;
  while (PGnotify* one = PQnotifies(connection_)) {
    notifications.push_back({one->relname, one->extra == nullptr ? "" : one->extra});
    PQfreemem(one);
  }
  const auto* const session = connection_;
  if (finished) deliver(std::move(*finished));
  if (!*alive || connection_ != session) return;
  take_notifications(notifications);
  if (!*alive || connection_ != session) return;
  if (!finished) return lose(finished.error());
  if (!readable || PQstatus(connection_) == CONNECTION_BAD) return lose(connection_error(connection_));
  pump();
}

void Connection::pump() {
  const auto alive = alive_;
  refuse();
  if (!*alive || !pipeline_) return;
  for (auto& batch : std::exchange(queue_, {})) pipeline_->send(std::move(batch));
  flush();
}

void Connection::flush() {
  const auto flushed = pipeline_->flush();
  if (!flushed) return lose(flushed.error());
  poll_->want(true, !*flushed);
  if (ready() && !timer_.active()) arm_reply_deadline();
}

void Connection::arm_reply_deadline() {
  if (pipeline_->empty()) return;
  const auto end = pipeline_->oldest() + settings_.reply_deadline;
  const auto left = std::chrono::duration_cast<base::Millis>(end - base::steady_now());
  timer_.start(std::max(left, base::Millis(0)) + base::Millis(1));
}

void Connection::take_notifications(const std::vector<Notification>& notifications) {
  const auto alive = alive_;
  for (const auto& one : notifications) {
    if (one.channel == probe_channel_) {
      if (state_ != State::probing || one.payload != probe_payload_) continue;
      if (herald_)
        on_own_process();
      else
        become_ready();
    } else if (ready() && events_.on_notify) {
      events_.on_notify(one.channel, one.payload);
    }
    if (!*alive) return;
  }
}

void Connection::deliver(std::vector<Pipeline::Finished> finished) {
  const auto alive = alive_;
  for (auto& one : finished) {
    if (one.done) one.done(std::move(one.result));
    if (!*alive) return;
  }
}

// Those who asked while there was no session.
void Connection::refuse() {
  const auto alive = alive_;
  const base::Error error{base::Code::unavailable, "there is no connection to PostgreSQL", target_.place()};
  for (auto& done : std::exchange(refused_, {})) {
    if (done) done(error);
    if (!*alive) return;
  }
}

std::vector<Done> Connection::take_all() {
  std::vector<Done> left;
  if (pipeline_) left = pipeline_->give_up();
  for (auto& batch : std::exchange(queue_, {})) left.push_back(std::move(batch.done));
  return left;
}

void Connection::lose(base::Error error) {
  if (state_ == State::ready) return go_away(take_all(), std::move(error));
  take_all();  // our own steps: the attempt has failed, and nobody else waits for them
  attempt_failed(std::move(error));
}

void Connection::go_away(const std::vector<Done>& left, base::Error why) {
  const base::Error error = std::move(why);  // may be our own, and we may be destroyed below
  const auto alive = alive_;
  if (state_ == State::ready && base::steady_now() - ready_since_ >= kProven) backoff_.reset();
  close();
  const auto wait = backoff_.next(random_);
  enter(State::waiting, wait);
  const auto text = error.text();
  log_.write(text == said_ ? base::Level::debug : base::Level::warn, "postgres_away",
             {{"place", place()}, {"error", text}, {"again_in", base::format_duration(wait)}});
  said_ = text;
  const base::Error unknown{base::Code::unavailable,
                            "the connection to PostgreSQL was lost before the answer, and it is not known "
                            "whether it was done: " +
                                text,
                            {}};
  for (auto& done : left) {
    if (done) done(unknown);
    if (!*alive) return;
  }
  if (events_.on_away) events_.on_away(error);
}

void Connection::close() {
  work_.reset();
  herald_.reset();
  poll_.reset();
  pipeline_.reset();
  if (connection_ != nullptr) PQfinish(connection_);
  connection_ = nullptr;
}

}  // namespace fairlead::store::postgres
