// The calls of PostgresTaskStore that operators make.
#include "store/postgres/ask.hpp"
#include "store/postgres/task_rows.hpp"
#include "store/postgres/task_statements.hpp"
#include "store/postgres/text_array.hpp"
#include "store/timeline.hpp"

namespace fairlead::store::postgres {

namespace {

using namespace statements;

std::string_view order_name(core::TaskOrder order) {
  constexpr std::string_view kNames[] = {"cancel", "requeue", "retry"};
  return kNames[static_cast<std::size_t>(order)];
}

base::Result<core::OrderOutcome> outcome_of(const Reply& reply) {
  core::OrderOutcome outcome;
  for (const int row : rows_of(reply)) {
    const auto said = said_of(reply, row);
    if (said.what != "summary") {
      add_changes(said, outcome.changes);
      continue;
    }
    if (!said.event.empty()) return base::Error{code_named(said.event), said.detail, {}};
    outcome.id = said.task;
    outcome.state = state_of(said.to);
    outcome.requested = said.accepted;
  }
  return outcome;
}

constexpr core::TaskState kOpenStates[] = {core::TaskState::awaiting_approval, core::TaskState::queued,
                                           core::TaskState::claimed, core::TaskState::running};

}  // namespace

void PostgresTaskStore::find(core::TaskId id, core::Answer<core::TaskDetail> done) {
  ask<core::TaskDetail>({{kFind, {std::to_string(number(id))}}}, std::move(done),
                        [id](const Replies& replies) -> base::Result<core::TaskDetail> {
                          if (replies[0].rows() == 0)
                            return base::Error{
                                base::Code::not_found, "there is no task " + std::to_string(number(id)), {}};
                          auto timeline = parse_timeline(replies[0].text(0, kTimelineColumn));
                          return core::TaskDetail{task_of(replies[0], 0), std::move(timeline.entries),
                                                  std::move(timeline.notes)};
                        });
}

void PostgresTaskStore::list(core::TaskFilter filter, core::Answer<std::vector<core::TaskRecord>> done) {
  using Records = std::vector<core::TaskRecord>;
  TextArray states;
  for (const auto state : filter.states) states.add(to_string(state));
  if (filter.states.empty())
    for (const auto state : kOpenStates) states.add(to_string(state));
  ask<Records>({{kList,
                 {states.take(), filter.kind, filter.worker,
                  std::string(filter.waits_for ? to_string(*filter.waits_for) : ""),
                  std::to_string(number(filter.before)), std::to_string(filter.most)}}},
               std::move(done), [](const Replies& replies) -> base::Result<Records> {
                 Records records;
                 for (const int row : rows_of(replies[0])) records.push_back(task_of(replies[0], row));
                 return records;
               });
}

void PostgresTaskStore::order(core::TaskId id, core::TaskOrder order, core::Actor actor,
                              core::Answer<core::OrderOutcome> done) {
  ask<core::OrderOutcome>({{kOrder,
                            {std::to_string(number(id)), std::string(order_name(order)), actor.name,
                             std::string(to_string(actor.actor_class))}},
                           {kHasLeftovers, {}}},
                          std::move(done), [this](const Replies& replies) {
                            if (replies[1].boolean(0, 0)) do_leftovers();
                            return outcome_of(replies[0]);
                          });
  notify(id);
}

void PostgresTaskStore::pause(core::Pause pause, core::Answer<base::Unit> done) {
  std::optional<std::string> until;
  if (pause.until) until = std::to_string(millis_of(*pause.until));
  ask<base::Unit>(
      {{kPause, {std::string(to_string(pause.scope)), pause.name, until, pause.actor, pause.why}}},
      std::move(done), [](const Replies&) -> base::Result<> { return base::success(); });
}

void PostgresTaskStore::resume(core::Pause::Scope scope, std::string name, core::Answer<base::Unit> done) {
  const auto what = std::string(to_string(scope)) + (name.empty() ? "" : ":" + name);
  ask<base::Unit>({{kResume, {std::string(to_string(scope)), name}}}, std::move(done),
                  [what](const Replies& replies) -> base::Result<> {
                    if (replies[0].affected() > 0) return base::success();
                    return base::Error{base::Code::not_found, "there is no pause of " + what, {}};
                  });
  notify(core::TaskId{0});
}

void PostgresTaskStore::pauses(core::Answer<std::vector<core::Pause>> done) {
  using Pauses = std::vector<core::Pause>;
  ask<Pauses>({{kPauses, {}}}, std::move(done), [](const Replies& replies) -> base::Result<Pauses> {
    Pauses pauses;
    for (const int row : rows_of(replies[0])) pauses.push_back(pause_of(replies[0], row));
    return pauses;
  });
}

void PostgresTaskStore::stats(core::Answer<core::QueueStats> done) {
  ask<core::QueueStats>(
      {{kStats, {}}, {kTotals, {}}}, std::move(done),
      [](const Replies& replies) -> base::Result<core::QueueStats> {
        core::QueueStats stats;
        for (const int row : rows_of(replies[0])) {
          core::QueueStats::Row one;
          one.kind = replies[0].text(row, 0);
          one.state = state_of(replies[0].text(row, 1));
          one.waits_for = core::parse_waits_for(replies[0].text(row, 2)).value_or(core::WaitsFor::nothing);
          one.count = static_cast<std::uint64_t>(replies[0].integer(row, 3));
          one.oldest = base::Millis(replies[0].integer(row, 4));
          stats.rows.push_back(std::move(one));
        }
        stats.history = static_cast<std::uint64_t>(replies[1].integer(0, 0));
        stats.oldest_snapshot = base::Millis(replies[1].integer(0, 1));
        return stats;
      });
}

void PostgresTaskStore::workers(core::Answer<std::vector<core::WorkerRecord>> done) {
  using Records = std::vector<core::WorkerRecord>;
  ask<Records>({{kWorkers, {}}}, std::move(done), [](const Replies& replies) -> base::Result<Records> {
    Records records;
    for (const int row : rows_of(replies[0])) records.push_back(worker_of(replies[0], row));
    return records;
  });
}

void PostgresTaskStore::drain(std::string worker, bool draining, core::Answer<base::Unit> done) {
  ask<base::Unit>({{kDrain, {worker, std::string(draining ? "t" : "f")}}}, std::move(done),
                  [worker](const Replies& replies) -> base::Result<> {
                    if (replies[0].affected() > 0) return base::success();
                    return base::Error{base::Code::not_found, "there is no worker " + worker, {}};
                  });
  notify(core::TaskId{0});
}

}  // namespace fairlead::store::postgres
