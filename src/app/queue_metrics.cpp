#include "app/queue_metrics.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace fairlead::app {

namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Backslash, quote and newline are what the format escapes.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

class Page {
 public:
  void family(const char* name, const char* type, const char* help) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  void sample(const std::string& name, Labels labels, const std::string& value) {
    text_ += name;
    const char* before = "{";
    for (const auto& [key, label] : labels) {
      text_.append(before).append(key).append("=\"").append(escaped(label)).append("\"");
      before = ",";
    }
    text_.append(labels.size() > 0 ? "} " : " ").append(value).append("\n");
  }
  void sample(const std::string& name, Labels labels, std::uint64_t value) {
    sample(name, labels, std::to_string(value));
  }
  void single(const char* name, const char* type, const char* help, std::uint64_t value) {
    family(name, type, help);
    sample(name, {}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Seconds with milliseconds, as the base unit wants it.
std::string seconds(base::Millis time) {
  auto millis = std::to_string(time.count() % 1000);
  millis.insert(0, 3 - millis.size(), '0');
  return std::to_string(time.count() / 1000) + "." + millis;
}

void add_depth(Page& page, const core::QueueStats& stats) {
  page.family("fairlead_tasks", "gauge", "Tasks that are not finished.");
  base::Millis oldest_ready{0};
  for (const auto& row : stats.rows) {
    page.sample(
        "fairlead_tasks",
        {{"kind", row.kind}, {"state", to_string(row.state)}, {"waits_for", to_string(row.waits_for)}},
        row.count);
    const bool ready = row.state == core::TaskState::queued && row.waits_for == core::WaitsFor::nothing;
    if (ready) oldest_ready = std::max(oldest_ready, row.oldest);
  }
  page.family("fairlead_task_oldest_ready_seconds", "gauge", "Age of the task that is ready for longest.");
  page.sample("fairlead_task_oldest_ready_seconds", {}, seconds(oldest_ready));
  page.single("fairlead_task_history", "gauge", "Finished tasks that are kept.", stats.history);
}

void add_workers(Page& page, const std::vector<core::WorkerRecord>& workers) {
  page.family("fairlead_worker_heartbeat_age_seconds", "gauge", "Since the last heartbeat of a worker.");
  for (const auto& worker : workers)
    page.sample("fairlead_worker_heartbeat_age_seconds",
                {{"worker", worker.info.name}, {"site", worker.info.site}}, seconds(worker.beat_age));
  page.family("fairlead_worker_tasks", "gauge", "Tasks that a worker owns.");
  for (const auto& worker : workers)
    page.sample("fairlead_worker_tasks", {{"worker", worker.info.name}},
                static_cast<std::uint64_t>(worker.owned));
}

void add_own_worker(Page& page, const worker::Worker::Counters& counters) {
  page.single("fairlead_worker_claims_total", "counter", "Tasks that this worker has claimed.",
              counters.claimed);
  page.family("fairlead_worker_attempts_total", "counter", "Attempts of this worker that ended, by outcome.");
  std::uint64_t ended = 0;
  for (std::size_t i = 0; i < counters.ended.size(); ++i) {
    page.sample("fairlead_worker_attempts_total",
                {{"outcome", core::to_string(static_cast<core::Report::Outcome>(i))}}, counters.ended[i]);
    ended += counters.ended[i];
  }
  page.single("fairlead_worker_late_reports_total", "counter",
              "Reports that came after the right to make them had ended.", counters.late);
  page.family("fairlead_worker_run_seconds", "summary", "Time that attempts took.");
  page.sample("fairlead_worker_run_seconds_sum", {}, seconds(counters.run_time));
  page.sample("fairlead_worker_run_seconds_count", {}, ended);
  page.family("fairlead_worker_wait_seconds", "summary",
              "Time from a task's submission, or the time that it is for, to its first claim.");
  page.sample("fairlead_worker_wait_seconds_sum", {}, seconds(counters.wait_time));
  page.sample("fairlead_worker_wait_seconds_count", {}, counters.first_claims);
}

}  // namespace

std::string render_metrics(const QueueFigures& figures) {
  Page page;
  page.family("fairlead_store_up", "gauge", "Whether the store can be reached.");
  page.sample("fairlead_store_up", {{"backend", figures.store.backend}},
              figures.store.state == core::StoreStatus::State::open ? 1U : 0U);
  add_depth(page, figures.stats);
  page.single("fairlead_tasks_submitted_total", "counter", "Tasks that this daemon has accepted.",
              figures.submitted);
  page.single("fairlead_tasks_refused_total", "counter", "Submissions that this daemon has refused.",
              figures.refused);
  add_workers(page, figures.workers);
  if (figures.worker != nullptr) add_own_worker(page, *figures.worker);
  page.single("fairlead_loop_turns_total", "counter", "Turns of the daemon's event loop.",
              figures.loop_turns);
  return page.take();
}

}  // namespace fairlead::app
