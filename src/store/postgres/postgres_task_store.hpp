// The task store on PostgreSQL: core::TaskStore over one Connection. A call is one batch, one transaction,
// one round trip; the logic of a transition is SQL (migrations/). Made by the module fairlead-postgres.so;
// loop thread only.
//
// While the connection is away every call ends with Code::unavailable at once. A deadlock or a failed
// serialization, after which nothing has happened, is tried again here.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "core/queue_settings.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "store/postgres/connection.hpp"

namespace fairlead::store::postgres {

ConnectionSettings connection_settings(const core::StoreSettings& settings);

class PostgresTaskStore : public core::TaskStore {
 public:
  PostgresTaskStore(loop::Loop& loop, base::Log& log, ConnectionSettings settings);
  ~PostgresTaskStore() override;

  void begin(std::function<void()> on_state, std::function<void()> on_hint, core::Opening opening) override;
  core::StoreStatus status() const override;
  void stop(base::Millis deadline, std::function<void()> gone) override;

  void submit(std::vector<core::Submission> tasks,
              core::Answer<std::vector<base::Result<core::Submitted>>> done) override;
  void register_worker(core::WorkerInfo info, base::Millis lease, std::vector<core::Started> keeps,
                       core::Answer<core::WorkerKey> done) override;
  void beat(core::Beat beat, core::Answer<core::BeatOutcome> done) override;
  void exchange(core::Exchange exchange, core::Answer<core::ExchangeOutcome> done) override;
  void leave(core::WorkerKey worker, core::Answer<base::Unit> done) override;
  void tend(core::TendSettings settings, core::Answer<core::Tending> done) override;
  void find(core::TaskId id, core::Answer<core::TaskDetail> done) override;
  void list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) override;
  void order(core::TaskId id, core::TaskOrder order, core::Actor actor,
             core::Answer<core::OrderOutcome> done) override;
  void pause(core::Pause pause, core::Answer<base::Unit> done) override;
  void resume(core::Pause::Scope scope, std::string name, core::Answer<base::Unit> done) override;
  void pauses(core::Answer<std::vector<core::Pause>> done) override;
  void stats(core::Answer<core::QueueStats> done) override;
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override;
  void drain(std::string worker, bool draining, core::Answer<base::Unit> done) override;

 private:
  void enter(core::StoreStatus::State state, std::string error);

  // postgres_schema.cpp: from a session to an open store
  void look_at_schema();
  void on_schema(int found);
  void migrate(int from);
  void refuse(const base::Error& error);

  // One transaction; `done` gets its replies.
  void call(std::vector<Command> commands, Done done, int tries = 0);
  // The same for a call of the port: `read` makes the answer of the replies.
  template <typename T>
  void ask(std::vector<Command> commands, core::Answer<T> done,
           std::function<base::Result<T>(const Replies&)> read);
  void notify(core::TaskId id);  // after what was called before
  void do_leftovers();
  void answered();
  void look_for_end();

  base::Log& log_;
  std::unique_ptr<Connection> connection_;
  core::StoreStatus status_;
  core::Opening opening_ = core::Opening::migrate;
  base::Code refusal_ = base::Code::unavailable;
  std::function<void()> on_state_, on_hint_, gone_;
  int under_way_ = 0;  // transactions
  bool stopping_ = false;
  // The server's clock when it was last asked, and this machine's then.
  std::int64_t clock_seen_ = 0;
  base::BootTime clock_seen_at_;
  std::vector<std::function<void()>> refused_;  // answers of calls while it is not open
  loop::Timer deadline_;
  loop::Deferred tell_, answer_, hint_;
};

}  // namespace fairlead::store::postgres
