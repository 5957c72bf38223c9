#include "app/queue_watch.hpp"

#include <utility>

namespace fairlead::app {

namespace {

using std::chrono_literals::operator""min;
constexpr base::Millis kAlarmAgain = 60min;
constexpr base::Millis kOldTransaction = 10min;

}  // namespace

void QueueWatch::see_workers(const std::vector<core::WorkerRecord>& workers) {
  for (const auto& worker : workers) {
    const auto [known, is_new] = known_workers_.try_emplace(worker.info.name, worker.state);
    if (!is_new && known->second == worker.state) continue;
    const auto before = is_new ? std::string_view("") : core::to_string(known->second);
    known->second = worker.state;
    base::Json body = base::Json::object();
    body.set("worker", worker.info.name).set("from", before).set("to", core::to_string(worker.state));
    parts_.events.publish("worker_state", body);
    if (parts_.policy.asks(core::HookEvent::worker_state))
      parts_.policy.observe(core::HookEvent::worker_state, std::move(body));
  }
}

void QueueWatch::see_counts(const core::QueueStats& stats, base::Millis stuck_after,
                            const std::string& place) {
  for (const auto& row : stats.rows) {
    const bool rests = row.waits_for == core::WaitsFor::time || row.waits_for == core::WaitsFor::pause;
    if (row.oldest < stuck_after || rests) continue;
    const std::string state(core::to_string(row.state));
    std::string text = std::to_string(row.count);
    text.append(" are ").append(state).append(", the oldest for ").append(base::format_duration(row.oldest));
    text.append("\nhint: fairlead task list --kind ").append(row.kind).append(" --state ").append(state);
    alarm("task_stuck", row.kind, "tasks of kind " + row.kind + " are stuck", text);
  }
  if (stats.oldest_snapshot > kOldTransaction)
    alarm("store_snapshot", place, "an old transaction holds up the database",
          "somebody's transaction is " + base::format_duration(stats.oldest_snapshot) +
              " old: until it ends nothing is cleaned up, and the queue becomes slow\nhint: see "
              "pg_stat_activity");
}

void QueueWatch::see_lost_worker(const std::string& name) {
  alarm("worker_lost", name, "worker " + name + " is lost", "its lease has ended; its tasks go to others");
}

void QueueWatch::alarm(const std::string& event, const std::string& subject, const std::string& title,
                       const std::string& text) {
  const auto now = base::steady_now();
  const auto [raised, is_new] = alarms_.try_emplace(event + " " + subject, now);
  if (!is_new && now - raised->second < kAlarmAgain) return;
  raised->second = now;
  parts_.log.warn(event, {{"subject", subject}, {"text", text}});
  core::Notice notice;
  notice.event = event;
  notice.subject = subject;
  notice.severity = core::Severity::high;
  notice.title = title;
  notice.text = text;
  notice.at = base::wall_now();
  parts_.notify.notify(std::move(notice));
}

}  // namespace fairlead::app
