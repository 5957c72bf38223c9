#include "store/sqlite/queue_rows.hpp"

#include <charconv>

namespace fairlead::store {

namespace {

std::vector<core::TaskId> ids_in(std::string_view text) {
  std::vector<core::TaskId> ids;
  for (const auto& word : words_of(text)) {
    std::int64_t id = 0;
    std::from_chars(word.data(), word.data() + word.size(), id);
    ids.push_back(core::TaskId{id});
  }
  return ids;
}

core::TaskEnvelope envelope_in(const Sql::Rows& row) {
  core::TaskEnvelope envelope;
  envelope.kind = row.text(1);
  envelope.payload.clear();
  envelope.capability = row.text(15);
  envelope.target = row.text(16);
  envelope.locks = words_of(row.text(13));
  envelope.priority = static_cast<int>(row.integer(3));
  envelope.run_at = to_time(row.maybe(17));
  envelope.timeout = base::Millis(row.integer(18));
  envelope.max_attempts = static_cast<int>(row.integer(19));
  envelope.idempotency_key = row.text(21);
  envelope.depends_on = ids_in(row.text(14));
  envelope.on_lease_loss = row.text(20) == "continue" ? core::OnLeaseLoss::carry_on : core::OnLeaseLoss::stop;
  envelope.actor = row.text(22);
  envelope.actor_class = row.text(23) == "human" ? core::ActorClass::human : core::ActorClass::automation;
  envelope.trace_id = row.text(24);
  return envelope;
}

}  // namespace

core::TaskRecord record_in(const Sql::Rows& row) {
  core::TaskRecord task;
  task.id = core::TaskId{row.integer(0)};
  task.envelope = envelope_in(row);
  task.route = row.text(2);
  task.state = core::parse_task_state(row.text(4)).value_or(core::TaskState::queued);
  task.waits_for = core::parse_waits_for(row.text(5)).value_or(core::WaitsFor::nothing);
  task.waits_detail = row.text(6);
  task.run_at = to_time(row.maybe(7));
  task.epoch = core::Epoch{row.integer(8)};
  task.attempt = static_cast<int>(row.integer(9));
  task.lost_workers = static_cast<int>(row.integer(10));
  task.worker = row.text(11);
  task.cancel_requested = row.text(12) == "cancel";
  task.retry_of = core::TaskId{row.integer(25)};
  task.submitted_at = to_time(row.integer(26));
  task.claimed_at = to_time(row.maybe(27));
  task.started_at = to_time(row.maybe(28));
  task.finished_at = to_time(row.maybe(29));
  task.error_code = row.text(30);
  task.result = row.text(31);
  return task;
}

}  // namespace fairlead::store
