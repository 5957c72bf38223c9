#include <algorithm>
#include <optional>
#include <tuple>

#include "store/sqlite/queue_calls.hpp"
#include "store/sqlite/queue_rows.hpp"
#include "store/sqlite/queue_task.hpp"
#include "store/sqlite/queue_waits.hpp"
#include "store/timeline.hpp"

namespace fairlead::store {

namespace {

using core::Report;
using core::TaskEvent;
using core::TaskState;
using Outcome = Report::Outcome;

constexpr Ms kOwnEndSlack = 60'000;  // a claim that carries on ends its timeout and this after it began

// --- what a worker reports

bool is_owner(const QueueTask& task, const core::WorkerKey& worker, core::Epoch epoch) {
  return task.owner == worker.name && task.incarnation == worker.incarnation && task.epoch == number(epoch);
}

void begin_work(Turn& turn, QueueTask& task, const std::string& actor) {
  if (task.state == TaskState::claimed) advance(turn, task, TaskEvent::started, {actor});
}

void accept_start(Turn& turn, const core::WorkerKey& worker, const core::Started& started) {
  auto task = load_task(turn, number(started.id));
  if (!task || !is_owner(*task, worker, started.epoch) || task->state != TaskState::claimed) return;
  begin_work(turn, *task, "worker:" + worker.name);
  write_owned(turn, *task);
}

TaskEvent event_of(const QueueTask& task, Outcome outcome) {
  const bool cancel = task.stop == "cancel";
  switch (outcome) {
    case Outcome::done:
      return TaskEvent::succeeded;
    case Outcome::failed:
      return TaskEvent::gave_up;
    case Outcome::again:
      if (cancel) return TaskEvent::cancelled;
      return task.attempt >= task.max_attempts ? TaskEvent::gave_up : TaskEvent::retry;
    case Outcome::handed_back:
      return cancel ? TaskEvent::cancelled : TaskEvent::handed_back;
    case Outcome::cancelled:
      break;
  }
  return TaskEvent::cancelled;
}

TaskState accept_report(Turn& turn, QueueTask& task, const Report& report) {
  const auto before = task;
  const auto actor = "worker:" + task.owner;
  const auto event = event_of(task, report.outcome);
  if (report.started || event == TaskEvent::succeeded) begin_work(turn, task, actor);
  if (event == TaskEvent::handed_back) --task.attempt;
  advance(turn, task, event, {actor, report.detail});
  if (!report.result.empty()) task.result = report.result;
  task.error_code = event == TaskEvent::cancelled   ? std::string(core::task_error::kCancelled)
                    : event == TaskEvent::succeeded ? std::string()
                                                    : report.error_code;
  if (is_final(task.state)) {
    write_final(turn, task, before);
    return task.state;
  }
  task.due_at.reset();
  if (event == TaskEvent::retry && report.delay.count() > 0) task.due_at = turn.now + report.delay.count();
  write_queued(turn, task, true);
  return task.state;
}

std::string late_note(Turn& turn, const core::WorkerKey& worker, const Report& report) {
  std::string line;
  append_note(line, {to_time(turn.now), core::NoteKind::late_report, "worker:" + worker.name, worker.name,
                     report.epoch, report.result});
  return line;
}

bool says_the_same(TaskState state, Outcome outcome) {
  return (state == TaskState::done && outcome == Outcome::done) ||
         (state == TaskState::failed && (outcome == Outcome::failed || outcome == Outcome::again)) ||
         (state == TaskState::cancelled && outcome != Outcome::done && outcome != Outcome::failed);
}

// The answer to a report about a task that is final: it was accepted before and its answer was lost, or it
// comes too late.
core::ReportOutcome answer_about_ended(Turn& turn, const core::WorkerKey& worker, const Report& report) {
  core::ReportOutcome outcome{report.id, false, TaskState::queued};
  bool repeated = false;
  {
    auto row = turn.sql.query("SELECT state, epoch, worker FROM history WHERE id = ?", number(report.id));
    if (!row.next()) return outcome;
    outcome.state = core::parse_task_state(row.text(0)).value_or(TaskState::done);
    // A cancel is the end of its ownership: it counted the epoch up.
    const auto last = row.integer(1) - (outcome.state == TaskState::cancelled ? 1 : 0);
    repeated = row.text(2) == worker.name && last == number(report.epoch) &&
               says_the_same(outcome.state, report.outcome);
  }
  outcome.accepted = repeated;
  if (!repeated)
    turn.sql.run("UPDATE history SET timeline = timeline || ? WHERE id = ?", late_note(turn, worker, report),
                 number(report.id));
  return outcome;
}

core::ReportOutcome answer_report(Turn& turn, const core::WorkerKey& worker, bool live,
                                  const Report& report) {
  auto task = load_task(turn, number(report.id));
  if (!task) return answer_about_ended(turn, worker, report);
  if (live && is_owner(*task, worker, report.epoch))
    return {report.id, true, accept_report(turn, *task, report)};
  turn.sql.run("UPDATE tasks SET timeline = timeline || ? WHERE id = ?", late_note(turn, worker, report),
               number(report.id));
  return {report.id, false, task->state};
}

// --- what it gets

struct Candidate {
  std::int64_t priority = 0, id = 0, epoch = 0;
  std::size_t slot = 0;
};

// The best of one route. What a pause concerns that has not been set aside yet is left out.
void collect(Turn& turn, const std::string& route, std::size_t slot, int most,
             std::vector<Candidate>& found) {
  auto rows = turn.sql.query(
      "SELECT priority, id, epoch FROM tasks WHERE waits_for = 'nothing' AND route = ?"
      " ORDER BY priority, id LIMIT ?",
      route, most);
  while (rows.next()) found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), slot});
}

void collect_unpaused(Turn& turn, const std::string& route, std::size_t slot, int most,
                      std::vector<Candidate>& found) {
  auto rows = turn.sql.query(
      "SELECT priority, id, epoch, kind, site FROM tasks WHERE waits_for = 'nothing'"
      " AND route = ? ORDER BY priority, id",
      route);
  for (int count = 0; count < most && rows.next();) {
    const std::string kind(rows.text(3)), site(rows.text(4));
    if (!paused_by(turn, kind, site).empty()) continue;
    found.push_back({rows.integer(0), rows.integer(1), rows.integer(2), slot});
    ++count;
  }
}

std::vector<Candidate> choose(Turn& turn, const core::Exchange& exchange) {
  std::vector<Candidate> found;
  const bool pauses = !turn.pauses().empty();
  for (std::size_t slot = 0; slot < exchange.slots.size(); ++slot)
    for (const auto& route : exchange.slots[slot].routes) {
      const int most = std::min(exchange.slots[slot].most, exchange.most);
      if (most <= 0) continue;
      pauses ? collect_unpaused(turn, route, slot, most, found) : collect(turn, route, slot, most, found);
    }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.priority, a.id) < std::tie(b.priority, b.id);
  });
  std::vector<int> left;
  for (const auto& slot : exchange.slots) left.push_back(slot.most);
  std::vector<Candidate> chosen;
  for (const auto& each : found) {
    if (static_cast<int>(chosen.size()) >= exchange.most) break;
    const bool twice = !chosen.empty() && chosen.back().id == each.id;  // a route that is named twice
    if (!twice && left[each.slot]-- > 0) chosen.push_back(each);
  }
  return chosen;
}

core::Claimed claim_one(Turn& turn, const core::WorkerKey& worker, const Candidate& candidate) {
  core::Claimed claimed;
  const auto actor = "worker:" + worker.name;
  std::string log;
  append_entry(log, {to_time(turn.now),
                     TaskEvent::claimed,
                     TaskState::queued,
                     TaskState::claimed,
                     actor,
                     worker.name,
                     core::Epoch{candidate.epoch + 1},
                     {}});
  auto row = turn.sql.query(
      "UPDATE OR FAIL tasks SET state = 'claimed', waits_for = NULL, waits_detail = '', due_at = NULL, since = ?2,"
      " epoch = ?3, attempt = attempt + 1, owner = ?4, worker = ?4, incarnation = ?5,"
      " own_end = iif(on_lease_loss = 'continue', ?6 + timeout, NULL), claimed_at = ?2, started_at = NULL,"
      " timeline = timeline || ?7 WHERE id = ?1 RETURNING " FAIRLEAD_TASK_COLUMNS ", payload",
      candidate.id, turn.now, candidate.epoch + 1, worker.name, worker.incarnation, turn.boot + kOwnEndSlack,
      log);
  if (!row.next()) return claimed;
  claimed.task = record_in(row);
  claimed.task.envelope.payload = row.text(kAfterTaskColumns);
  if (claimed.task.envelope.on_lease_loss == core::OnLeaseLoss::carry_on)
    claimed.own_end = claimed.task.envelope.timeout + base::Millis(kOwnEndSlack);
  turn.changes.push_back({claimed.task.id,
                          claimed.task.envelope.kind,
                          TaskState::queued,
                          TaskState::claimed,
                          TaskEvent::claimed,
                          worker.name,
                          {}});
  return claimed;
}

}  // namespace

base::Result<core::ExchangeOutcome> exchange_with_worker(Turn& turn, const core::Exchange& exchange) {
  core::ExchangeOutcome outcome;
  const auto worker = look_up_worker(turn, exchange.worker);
  outcome.lease_live = worker.live;
  if (worker.live)
    for (const auto& started : exchange.started) accept_start(turn, exchange.worker, started);
  for (const auto& report : exchange.reports)
    outcome.reports.push_back(answer_report(turn, exchange.worker, worker.live, report));
  if (!worker.live) return outcome;  // late reports change nothing
  const bool rests = worker.draining || (!worker.site.empty() && !paused_by(turn, {}, worker.site).empty());
  if (!rests && exchange.most > 0)
    for (const auto& each : choose(turn, exchange))
      outcome.claimed.push_back(claim_one(turn, exchange.worker, each));
  outcome.stops = stops_of(turn, exchange.worker.name);
  outcome.changes = std::move(turn.changes);
  return outcome;
}

}  // namespace fairlead::store
