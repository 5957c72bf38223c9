// The calls of PostgresTaskStore that submitters and workers make.
#include <algorithm>

#include "base/json.hpp"
#include "core/task_envelope.hpp"
#include "store/postgres/ask.hpp"
#include "store/postgres/task_rows.hpp"
#include "store/postgres/task_statements.hpp"
#include "store/postgres/text_array.hpp"

namespace fairlead::store::postgres {

namespace {

using namespace statements;

base::Json submission_json(const core::Submission& task) {
  const auto& envelope = task.envelope;
  auto json = base::Json::object();
  json.set("kind", envelope.kind)
      .set("route", task.route)
      .set("priority", envelope.priority)
      .set("capability", envelope.capability)
      .set("target", envelope.target)
      .set("timeout", envelope.timeout.count())
      .set("max_attempts", envelope.max_attempts)
      .set("on_lease_loss", to_string(envelope.on_lease_loss))
      .set("actor", envelope.actor)
      .set("actor_class", to_string(envelope.actor_class))
      .set("trace_id", envelope.trace_id)
      .set("retry_of", number(task.retry_of))
      .set("payload", envelope.payload)
      .set("locks", joined(envelope.locks))
      .set("depends_on", joined(envelope.depends_on))
      .set("idempotency_key", envelope.idempotency_key)
      .set("detail", "");
  if (envelope.run_at) json.set("run_at", millis_of(*envelope.run_at));
  return json;
}

bool is_plain(const core::TaskEnvelope& envelope) {
  return envelope.locks.empty() && envelope.depends_on.empty() && !envelope.run_at &&
         envelope.idempotency_key.empty();
}

Command submit_command(const std::vector<core::Submission>& tasks) {
  auto list = base::Json::array();
  const bool plain =
      std::all_of(tasks.begin(), tasks.end(), [](const auto& task) { return is_plain(task.envelope); });
  TextArray fingerprints;
  for (const auto& task : tasks) {
    list.push(submission_json(task));
    const bool keyed = !task.envelope.idempotency_key.empty();
    if (!plain) fingerprints.add(keyed ? std::string_view(core::envelope_fingerprint(task.envelope)) : "");
  }
  if (plain) return {kSubmitPlain, {list.dump()}};
  return {kSubmit, {list.dump(), fingerprints.take()}};
}

using AllSubmitted = std::vector<base::Result<core::Submitted>>;

AllSubmitted submitted_of(const Reply& reply) {
  AllSubmitted all;
  for (int row = 0; row < reply.rows(); ++row) {
    if (!reply.is_null(row, 5)) {
      all.emplace_back(base::Error{code_named(reply.text(row, 5)), std::string(reply.text(row, 6)), {}});
      continue;
    }
    core::Submitted one;
    one.id = core::TaskId{reply.integer(row, 1)};
    one.existed = reply.boolean(row, 2);
    one.state = state_of(reply.text(row, 3));
    one.waits_for = core::parse_waits_for(reply.text(row, 4)).value_or(core::WaitsFor::nothing);
    all.emplace_back(one);
  }
  return all;
}

Command started_command(const core::Exchange& exchange) {
  TextArray ids, epochs;
  for (const auto& one : exchange.started) {
    ids.add(number(one.id));
    epochs.add(number(one.epoch));
  }
  return {kStarted,
          {exchange.worker.name, std::to_string(exchange.worker.incarnation), ids.take(), epochs.take()}};
}

Command report_command(const core::Exchange& exchange) {
  TextArray ids, epochs, outcomes, started, delays, results, codes, details;
  for (const auto& one : exchange.reports) {
    ids.add(number(one.id));
    epochs.add(number(one.epoch));
    outcomes.add(to_string(one.outcome));
    started.add(one.started);
    delays.add(static_cast<std::int64_t>(one.delay.count()));
    results.add(std::string_view(one.result));
    codes.add(std::string_view(one.error_code));
    details.add(std::string_view(one.detail));
  }
  return {kReport,
          {exchange.worker.name, std::to_string(exchange.worker.incarnation), ids.take(), epochs.take(),
           outcomes.take(), started.take(), delays.take(), results.take(), codes.take(), details.take()}};
}

Command claim_command(const core::Exchange& exchange) {
  TextArray routes, slots, mosts;
  std::int64_t slot = 0;
  for (const auto& one : exchange.slots) {
    ++slot;
    mosts.add(std::int64_t{one.most});
    for (const auto& route : one.routes) {
      routes.add(std::string_view(route));
      slots.add(slot);
    }
  }
  return {kClaim,
          {exchange.worker.name, std::to_string(exchange.worker.incarnation), routes.take(), slots.take(),
           mosts.take(), std::to_string(exchange.most)}};
}

Command standing_command(const core::WorkerKey& worker) {
  return {kStanding, {worker.name, std::to_string(worker.incarnation)}};
}

std::vector<core::StopRequest> stops_of(const Reply& reply) {
  std::vector<core::StopRequest> stops;
  for (int row = 0; row < reply.rows(); ++row)
    if (!reply.is_null(row, 1))
      stops.push_back(
          {core::TaskId{reply.integer(row, 1)}, core::Epoch{reply.integer(row, 2)}, reply.boolean(row, 3)});
  return stops;
}

// What an exchange leaves to be done.
struct Leftovers {
  bool others = false;  // somebody else may have work now
  bool again = false;   // a transaction of its own has to go on with it
};

void read_reports(const Reply& reply, std::size_t count, core::ExchangeOutcome& outcome, Leftovers& left) {
  outcome.reports.resize(count);
  for (int row = 0; row < reply.rows(); ++row) {
    const auto said = said_of(reply, row);
    if (said.what == "summary") {
      (said.event == "leftovers" ? left.again : left.others) = true;
      continue;
    }
    if (said.accepted) add_changes(said, outcome.changes);
    const auto at = static_cast<std::size_t>(said.n) - 1;
    if (said.what == "report" && at < count)
      outcome.reports[at] = {said.task, said.accepted, state_of(said.to)};
  }
}

void read_claims(const Reply& reply, core::ExchangeOutcome& outcome) {
  for (int row = 0; row < reply.rows(); ++row) {
    core::Claimed claimed{task_of(reply, row), {}};
    if (!reply.is_null(row, kOwnEndColumn)) claimed.own_end = base::Millis(reply.integer(row, kOwnEndColumn));
    core::TaskChange change;
    change.id = claimed.task.id;
    change.kind = claimed.task.envelope.kind;
    change.from = core::TaskState::queued;
    change.to = core::TaskState::claimed;
    change.event = core::TaskEvent::claimed;
    change.worker = claimed.task.worker;
    outcome.changes.push_back(std::move(change));
    outcome.claimed.push_back(std::move(claimed));
  }
}

// Which commands an exchange is made of.
struct ExchangeParts {
  bool started = false, claims = false;
  std::size_t reports = 0;
};

core::ExchangeOutcome read_exchange(const Replies& replies, const ExchangeParts& parts, Leftovers& left) {
  core::ExchangeOutcome outcome;
  std::size_t at = 0;
  if (parts.started) {
    for (const int row : rows_of(replies[at])) add_changes(said_of(replies[at], row), outcome.changes);
    ++at;
  }
  if (parts.reports > 0) read_reports(replies[at++], parts.reports, outcome, left);
  if (parts.claims) read_claims(replies[at++], outcome);
  outcome.lease_live = replies[at].boolean(0, 0);
  outcome.stops = stops_of(replies[at]);
  for (const auto& one : outcome.reports)
    if (one.accepted && !is_final(one.state)) left.others = true;
  return outcome;
}

}  // namespace

void PostgresTaskStore::submit(std::vector<core::Submission> tasks, core::Answer<AllSubmitted> done) {
  auto command = submit_command(tasks);
  ask<AllSubmitted>(
      {std::move(command)}, std::move(done),
      [](const Replies& replies) -> base::Result<AllSubmitted> { return submitted_of(replies[0]); });
  // Right behind it: it runs after the commit, and without a round trip between.
  notify(core::TaskId{0});
}

void PostgresTaskStore::exchange(core::Exchange exchange, core::Answer<core::ExchangeOutcome> done) {
  std::vector<Command> commands;
  ExchangeParts parts;
  parts.started = !exchange.started.empty();
  parts.reports = exchange.reports.size();
  parts.claims = exchange.most > 0 && !exchange.slots.empty();
  if (parts.started) commands.push_back(started_command(exchange));
  if (parts.reports > 0) commands.push_back(report_command(exchange));
  if (parts.claims) commands.push_back(claim_command(exchange));
  commands.push_back(standing_command(exchange.worker));
  ask<core::ExchangeOutcome>(std::move(commands), std::move(done),
                             [this, parts](const Replies& replies) -> base::Result<core::ExchangeOutcome> {
                               Leftovers left;
                               auto outcome = read_exchange(replies, parts, left);
                               if (left.again) do_leftovers();
                               if (left.others) notify(core::TaskId{0});
                               return outcome;
                             });
}

void PostgresTaskStore::register_worker(core::WorkerInfo info, base::Millis lease,
                                        std::vector<core::Started> keeps,
                                        core::Answer<core::WorkerKey> done) {
  TextArray ids, epochs;
  for (const auto& one : keeps) {
    ids.add(number(one.id));
    epochs.add(number(one.epoch));
  }
  Command command{
      kRegister,
      {info.name, info.site, info.node, core::offer_text(info), info.version,
       std::to_string(info.concurrency), std::to_string(lease.count()), ids.take(), epochs.take()}};
  ask<core::WorkerKey>({std::move(command)}, std::move(done),
                       [this, name = info.name](const Replies& replies) -> base::Result<core::WorkerKey> {
                         notify(core::TaskId{0});  // what it had is free for others
                         return core::WorkerKey{name, replies[0].integer(0, 0)};
                       });
}

void PostgresTaskStore::beat(core::Beat beat, core::Answer<core::BeatOutcome> done) {
  const auto& worker = beat.worker;
  ask<core::BeatOutcome>(
      {{kBeat, {worker.name, std::to_string(worker.incarnation), std::to_string(beat.lease.count())}},
       standing_command(worker)},
      std::move(done), [](const Replies& replies) -> base::Result<core::BeatOutcome> {
        core::BeatOutcome outcome;
        outcome.lease_live = replies[0].boolean(0, 0);
        outcome.draining = replies[0].boolean(0, 1);
        outcome.stops = stops_of(replies[1]);
        return outcome;
      });
}

void PostgresTaskStore::leave(core::WorkerKey worker, core::Answer<base::Unit> done) {
  ask<base::Unit>({{kLeave, {worker.name, std::to_string(worker.incarnation)}}}, std::move(done),
                  [](const Replies&) -> base::Result<> { return base::success(); });
}

void PostgresTaskStore::tend(core::TendSettings settings, core::Answer<core::Tending> done) {
  const auto now = base::BootClock::now();
  const auto expected = clock_seen_ == 0 ? 0 : clock_seen_ + (now - clock_seen_at_).count();
  const auto age = [&](base::Millis most) {
    return std::to_string(settings.by_age ? most.count() : std::int64_t{1} << 62);
  };
  Command command{
      kTend,
      {age(settings.history_age), std::to_string(settings.history_count), age(settings.key_memory),
       std::to_string(expected), std::to_string(settings.lease.count())}};
  ask<core::Tending>({std::move(command)}, std::move(done),
                     [this, now](const Replies& replies) -> base::Result<core::Tending> {
                       core::Tending tending;
                       base::Result<base::Json> summary = base::Json::object();
                       for (const int row : rows_of(replies[0])) {
                         const auto said = said_of(replies[0], row);
                         if (said.what == "summary")
                           summary = base::Json::parse(said.detail);
                         else
                           add_changes(said, tending.changes);
                       }
                       if (!summary) return summary.error();
                       const auto view = summary->view();
                       for (const auto& name : view["lost"].items())
                         tending.lost_workers.emplace_back(name.text());
                       tending.promoted = static_cast<std::uint64_t>(view["promoted"].integer());
                       tending.forgotten = static_cast<std::uint64_t>(view["forgotten"].integer());
                       tending.more = view["more"].boolean();
                       tending.clock_stepped = view["stepped"].boolean();
                       if (view["next_due"].is_number())
                         tending.next_due = base::Millis(view["next_due"].integer());
                       if (view["next_lease_end"].is_number())
                         tending.next_lease_end = base::Millis(view["next_lease_end"].integer());
                       clock_seen_ = view["at"].integer();
                       clock_seen_at_ = now;
                       if (tending.promoted > 0 || !tending.changes.empty()) notify(core::TaskId{0});
                       return tending;
                     });
}

}  // namespace fairlead::store::postgres
