#include "store/postgres/task_rows.hpp"

#include "store/postgres/text_array.hpp"

namespace fairlead::store::postgres {

namespace {

core::TaskEvent event_of(std::string_view name) {
  for (const auto& row : core::task_transitions())
    if (to_string(row.event) == name) return row.event;
  return core::TaskEvent::submitted;
}

}  // namespace

std::optional<base::WallTime> time_at(const Reply& reply, int row, int column) {
  if (reply.is_null(row, column)) return std::nullopt;
  return base::WallTime(base::Millis(reply.integer(row, column)));
}

std::int64_t millis_of(base::WallTime time) {
  return std::chrono::duration_cast<base::Millis>(time.time_since_epoch()).count();
}

core::TaskState state_of(std::string_view text) {
  return core::parse_task_state(text).value_or(core::TaskState::queued);
}

base::Code code_named(std::string_view text) {
  return text == "not_found" ? base::Code::not_found : base::Code::conflict;
}

core::TaskRecord task_of(const Reply& reply, int row) {
  int column = 0;
  const auto text = [&] { return std::string(reply.text(row, column++)); };
  const auto integer = [&] { return reply.integer(row, column++); };
  const auto time = [&] { return time_at(reply, row, column++); };
  core::TaskRecord task;
  auto& envelope = task.envelope;
  task.id = core::TaskId{integer()};
  envelope.kind = text();
  task.route = text();
  envelope.priority = static_cast<int>(integer());
  task.state = state_of(text());
  task.waits_for = core::parse_waits_for(text()).value_or(core::WaitsFor::nothing);
  task.waits_detail = text();
  task.epoch = core::Epoch{integer()};
  task.attempt = static_cast<int>(integer());
  task.lost_workers = static_cast<int>(integer());
  task.worker = text();
  task.cancel_requested = text() == "cancel";
  envelope.locks = words_of(text());
  envelope.depends_on = ids_of(text());
  envelope.capability = text();
  envelope.target = text();
  envelope.run_at = time();
  envelope.timeout = base::Millis(integer());
  envelope.max_attempts = static_cast<int>(integer());
  envelope.on_lease_loss = text() == "continue" ? core::OnLeaseLoss::carry_on : core::OnLeaseLoss::stop;
  envelope.idempotency_key = text();
  envelope.actor = text();
  envelope.actor_class = text() == "human" ? core::ActorClass::human : core::ActorClass::automation;
  envelope.trace_id = text();
  task.retry_of = core::TaskId{integer()};
  task.submitted_at = time().value_or(base::WallTime{});
  task.run_at = time();
  task.claimed_at = time();
  task.started_at = time();
  task.finished_at = time();
  task.error_code = text();
  envelope.payload = text();
  ++column;  // own_end
  ++column;  // timeline
  task.result = text();
  return task;
}

Said said_of(const Reply& reply, int row) {
  Said said;
  said.what = reply.text(row, 0);
  said.n = static_cast<int>(reply.integer(row, 1));
  said.task = core::TaskId{reply.integer(row, 2)};
  said.kind = reply.text(row, 3);
  said.from = reply.text(row, 4);
  said.event = reply.text(row, 5);
  said.to = reply.text(row, 6);
  said.accepted = reply.boolean(row, 7);
  said.started = reply.boolean(row, 8);
  said.worker = reply.text(row, 9);
  said.detail = reply.text(row, 10);
  return said;
}

void add_changes(const Said& said, std::vector<core::TaskChange>& changes) {
  if (said.event.empty()) return;
  core::TaskChange change;
  change.id = said.task;
  change.kind = said.kind;
  change.worker = said.worker;
  change.from = core::parse_task_state(said.from);
  if (said.started) {
    change.to = core::TaskState::running;
    change.event = core::TaskEvent::started;
    changes.push_back(change);
    change.from = core::TaskState::running;
  }
  change.to = state_of(said.to);
  change.event = event_of(said.event);
  change.detail = said.detail;
  changes.push_back(std::move(change));
}

core::WorkerRecord worker_of(const Reply& reply, int row) {
  core::WorkerRecord worker;
  worker.info.name = reply.text(row, 0);
  worker.info.site = reply.text(row, 1);
  worker.info.node = reply.text(row, 2);
  core::set_offer(worker.info, reply.text(row, 3));
  worker.info.version = reply.text(row, 4);
  worker.info.concurrency = static_cast<int>(reply.integer(row, 5));
  worker.incarnation = reply.integer(row, 6);
  worker.draining = reply.boolean(row, 7);
  worker.beat_age = base::Millis(reply.integer(row, 8));
  worker.registered_at = time_at(reply, row, 9).value_or(base::WallTime{});
  worker.owned = static_cast<int>(reply.integer(row, 10));
  const base::Millis lease(reply.integer(row, 11));
  // It beats three times in a lease.
  if (!reply.boolean(row, 12) || worker.beat_age >= lease)
    worker.state = core::WorkerState::offline;
  else
    worker.state = worker.beat_age * 3 >= lease * 2 ? core::WorkerState::late : core::WorkerState::online;
  return worker;
}

core::Pause pause_of(const Reply& reply, int row) {
  using Scope = core::Pause::Scope;
  core::Pause pause;
  for (const auto scope : {Scope::everything, Scope::kind, Scope::site})
    if (to_string(scope) == reply.text(row, 0)) pause.scope = scope;
  pause.name = reply.text(row, 1);
  pause.until = time_at(reply, row, 2);
  pause.actor = reply.text(row, 3);
  pause.why = reply.text(row, 4);
  pause.since = time_at(reply, row, 5).value_or(base::WallTime{});
  return pause;
}

}  // namespace fairlead::store::postgres
