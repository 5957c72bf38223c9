#include "store/postgres/postgres_task_store.hpp"

#include <utility>

#include "base/failpoint.hpp"
#include "store/postgres/task_statements.hpp"

namespace fairlead::store::postgres {

namespace {

constexpr int kTries = 5;
constexpr char kChannel[] = "fairlead_tasks";

// PostgreSQL has undone all of it: 40P01 deadlock_detected, 40001 serialization_failure.
bool may_be_tried_again(const base::Error& error) {
  return error.where == "40P01" || error.where == "40001";
}

}  // namespace

ConnectionSettings connection_settings(const core::StoreSettings& settings) {
  ConnectionSettings made;
  made.url = settings.url;
  made.password_file = settings.password_file;
  made.detours = settings.detours;
  return made;
}

PostgresTaskStore::PostgresTaskStore(loop::Loop& loop, base::Log& log, ConnectionSettings settings)
    : log_(log),
      deadline_(loop, "postgres stop", [this] { look_for_end(); }),
      tell_(loop, "postgres tell",
            [this] {
              if (on_state_) on_state_();
            }),
      answer_(loop, "postgres answer",
              [this] {
                for (auto& answer : std::exchange(refused_, {})) answer();
              }),
      hint_(loop, "postgres hint", [this] {
        if (on_hint_) on_hint_();
      }) {
  settings.channels = {kChannel};
  status_.backend = "postgresql";
  ConnectionEvents events;
  events.on_ready = [this] { look_at_schema(); };
  events.on_away = [this](const base::Error& error) { enter(core::StoreStatus::State::away, error.text()); };
  events.on_notify = [this](std::string_view, std::string_view) { hint_.schedule(); };
  auto connection = Connection::make(loop, log, std::move(settings), std::move(events));
  if (connection) {
    connection_ = std::move(*connection);
    status_.place = connection_->place();
    enter(core::StoreStatus::State::opening, {});
  } else {
    refuse(connection.error());
  }
}

PostgresTaskStore::~PostgresTaskStore() = default;

void PostgresTaskStore::begin(std::function<void()> on_state, std::function<void()> on_hint,
                              core::Opening opening) {
  opening_ = opening;
  on_state_ = std::move(on_state);
  on_hint_ = std::move(on_hint);
  if (connection_)
    connection_->start();
  else
    tell_.schedule();
}

core::StoreStatus PostgresTaskStore::status() const {
  auto status = status_;
  status.hints = connection_ ? connection_->hints() : "none";
  return status;
}

void PostgresTaskStore::enter(core::StoreStatus::State state, std::string error) {
  if (status_.state == core::StoreStatus::State::refused && state != core::StoreStatus::State::refused)
    return;
  if (status_.state != state || !status_.since) status_.since = base::wall_now();
  status_.state = state;
  status_.error = std::move(error);
  if (on_state_) tell_.schedule();
}

void PostgresTaskStore::stop(base::Millis deadline, std::function<void()> gone) {
  stopping_ = true;
  gone_ = std::move(gone);
  deadline_.start(under_way_ == 0 ? base::Millis(0) : deadline);
}

// At the deadline, or when the last answer is out.
void PostgresTaskStore::look_for_end() {
  if (connection_) connection_->stop();  // answers what is left
  deadline_.stop();
  enter(core::StoreStatus::State::away, "stopped");
  if (const auto gone = std::exchange(gone_, nullptr)) gone();
}

void PostgresTaskStore::call(std::vector<Command> commands, Done done, int tries) {
  if (status_.state != core::StoreStatus::State::open || stopping_) {
    const base::Error error{
        status_.state == core::StoreStatus::State::refused ? refusal_ : base::Code::unavailable,
        status_.error.empty() ? "the store is not open yet" : status_.error, status_.place};
    refused_.emplace_back([done = std::move(done), error] { done(error); });
    answer_.schedule();
    return;
  }
  ++under_way_;
  auto again = std::make_shared<std::vector<Command>>(commands);
  connection_->run(std::move(commands),
                   [this, again, tries, done = std::move(done)](base::Result<Replies> replies) mutable {
                     if (!replies && may_be_tried_again(replies.error()) && tries < kTries && !stopping_) {
                       --under_way_;
                       return call(std::move(*again), std::move(done), tries + 1);
                     }
                     base::failpoint(base::Failpoint::committed);
                     answered();
                     done(std::move(replies));
                   });
  base::failpoint(base::Failpoint::commit_before);
}

// Tasks that wait for locks and could not be looked at, as two transactions were at it: now neither is. And
// what waits for a task that many wait for. What fails here, or is still left, is done when the queue is
// tended.
void PostgresTaskStore::do_leftovers() {
  using namespace statements;
  call({{kDoLeftovers, {}}, {kHasLeftovers, {}}}, [this](const base::Result<Replies>& replies) {
    if (!replies || (*replies)[0].integer(0, 0) == 0) return;
    notify(core::TaskId{0});
    if ((*replies)[1].boolean(0, 0)) do_leftovers();
  });
}

// Before the answer is given, which may destroy this.
void PostgresTaskStore::answered() {
  if (--under_way_ == 0 && stopping_ && gone_) deadline_.start(base::Millis(0));
}

void PostgresTaskStore::notify(core::TaskId id) {
  using namespace statements;
  if (status_.state != core::StoreStatus::State::open) return;
  const auto payload = number(id) == 0 ? std::string{} : std::to_string(number(id));
  ++under_way_;
  connection_->run({{kLazily, {}}, {kNotify, {payload}}},
                   [this](const base::Result<Replies>&) { answered(); });
  if (connection_->hints() != "listen") hint_.schedule();  // what we say does not come back to us
}

}  // namespace fairlead::store::postgres
