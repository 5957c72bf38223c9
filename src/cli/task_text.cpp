#include "cli/task_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/table.hpp"
#include "cli/task_outcome.hpp"

namespace fairlead::cli {

namespace {

using base::JsonView;

constexpr std::size_t kLongestItem = 100;
constexpr std::size_t kLongestDetail = 400;
constexpr std::size_t kLongestOutputLine = 500;
constexpr std::size_t kLinesShown = 20;  // of each stream's output
constexpr std::size_t kLabelWidth = 11;
constexpr const char* kNone = "-";

std::string item(JsonView value) {
  const auto text = base::printable(value.text(), kLongestItem);
  return text.empty() ? kNone : text;
}

std::string joined(JsonView list) {
  std::string text;
  for (const auto one : list.items()) {
    const auto word = one.is_string() ? base::printable(one.text(), kLongestItem) : one.dump();
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

std::string attempt_text(JsonView task) {
  return std::to_string(task["attempt"].integer()) + "/" + std::to_string(task["max_attempts"].integer());
}

// One labelled line; nothing when there is nothing to say.
void add_line(std::string& text, const std::string& label, const std::string& value) {
  if (value.empty() || value == kNone) return;
  text += "  " + label + std::string(kLabelWidth - std::min(kLabelWidth, label.size()), ' ') + value + "\n";
}

std::string with_age(JsonView time, base::WallTime now) {
  if (!time.is_string()) return {};
  return item(time) + " (" + age_text(time, now) + " ago)";
}

std::string what_text(JsonView task, base::WallTime now) {
  const auto envelope = task["envelope"];
  std::string text;
  add_line(text, "payload", base::printable(envelope["payload"].dump(), kLongestDetail));
  add_line(text, "runs on", item(task["route"]));
  add_line(text, "locks", joined(task["locks"]));
  add_line(text, "after", joined(envelope["depends_on"]));
  add_line(text, "priority", std::to_string(task["priority"].integer()));
  add_line(text, "attempt",
           attempt_text(task) + (task["worker"].is_string() ? ", worker " + item(task["worker"]) : ""));
  const auto timeout = envelope["timeout"];
  if (timeout.is_number())
    add_line(text, "timeout",
             base::format_duration(base::Millis(static_cast<std::int64_t>(timeout.number() * 1000))));
  if (envelope["on_lease_loss"].text() == "continue") add_line(text, "lease", "continues when it is lost");
  add_line(text, "key", item(task["idempotency_key"]));
  add_line(text, "actor", item(task["actor"]["name"]) + " (" + item(task["actor"]["class"]) + ")");
  add_line(text, "trace", item(task["trace_id"]));
  if (task["retry_of"].is_number())
    add_line(text, "retry of", "task " + std::to_string(task["retry_of"].integer()));
  add_line(text, "submitted", with_age(task["submitted_at"], now));
  add_line(text, "not before", item(task["run_at"]));
  add_line(text, "started", with_age(task["started_at"], now));
  add_line(text, "finished", with_age(task["finished_at"], now));
  return text;
}

// The last lines of what a stream left.
void add_output(std::string& text, const std::string& name, JsonView output) {
  std::string kept(output["head"].text());
  if (output["truncated"].boolean()) kept.append("\n[… ").append("some is missing here …]\n");
  kept.append(output["tail"].text());
  while (!kept.empty() && kept.back() == '\n') kept.pop_back();
  if (kept.empty()) return;
  auto lines = base::split(kept, '\n');
  std::string label = name;
  if (lines.size() > kLinesShown) {
    label +=
        " (the last " + std::to_string(kLinesShown) + " of " + std::to_string(lines.size()) + " kept lines)";
    lines.erase(lines.begin(), lines.end() - kLinesShown);
  }
  text += "  " + label + ":\n";
  for (const auto line : lines) text += "    | " + base::printable(line, kLongestOutputLine) + "\n";
}

std::string result_text(JsonView result) {
  if (!result.is_object()) return {};
  std::string text;
  std::string how = item(result["exit_class"]);
  const auto status = result["exit_status"].integer();
  if (how == "failure") how = "exit " + std::to_string(status);
  if (how == "signalled") how = "signal " + std::to_string(status);
  if (how == "none") how = item(result["status"]);
  add_line(text, "result",
           how + " after " + base::format_duration(base::Millis(result["duration_ms"].integer())));
  add_line(text, "sandbox", item(result["sandbox"]));
  if (result["data"].exists()) add_line(text, "data", base::printable(result["data"].dump(), kLongestDetail));
  if (const auto error = result["error"]; error.is_object()) {
    const auto cut = error["truncated"].boolean() ? " [cut]" : "";
    std::string label = "error";
    for (const auto line : base::split(error["message"].text(), '\n')) {
      add_line(text, label,
               (label.empty() ? "" : item(error["code"]) + ": ") + base::printable(line, kLongestOutputLine));
      label.clear();
    }
    if (*cut != '\0') add_line(text, "", "[cut]");
  }
  add_output(text, "stdout", result["stdout"]);
  add_output(text, "stderr", result["stderr"]);
  return text;
}

std::string note_name(JsonView note) {
  if (note["note"].text() == "late_report") return "late report";
  return note["note"].text() == "cancel_requested" ? "asked to cancel" : "asked to requeue";
}

// A late report's detail: what the worker said, under a lease that was over.
std::string note_detail(JsonView note) {
  const auto result = note["result"];
  if (!result.is_object()) return {};
  std::string text = "refused: its lease was over; it said " + item(result["status"]);
  if (const auto code = result["error"]["code"].text(); !code.empty())
    text += ", " + base::printable(code, kLongestItem);
  return text;
}

struct TimelineRow {
  std::string time;
  std::vector<Cell> cells;
};

std::string timeline_text(JsonView task, bool color) {
  std::vector<TimelineRow> rows;
  for (const auto entry : task["timeline"].items())
    rows.push_back({std::string(entry["time"].text()),
                    {{item(entry["time"])},
                     {item(entry["event"])},
                     {item(entry["to"])},
                     {item(entry["worker"])},
                     {std::to_string(entry["epoch"].integer()), Style::plain, true},
                     {item(entry["actor"])},
                     {base::printable(entry["detail"].text(), kLongestDetail)}}});
  for (const auto note : task["notes"].items())
    rows.push_back({std::string(note["time"].text()),
                    {{item(note["time"])},
                     {note_name(note), Style::warning},
                     {""},
                     {item(note["worker"])},
                     {std::to_string(note["epoch"].integer()), Style::plain, true},
                     {item(note["actor"])},
                     {note_detail(note)}}});
  // Times are written alike, so their order is that of the text.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const TimelineRow& a, const TimelineRow& b) { return a.time < b.time; });
  Table table({"TIME", "EVENT", "STATE", "WORKER", "EPOCH", "BY", "DETAIL"});
  for (auto& row : rows) table.add(std::move(row.cells));
  return rows.empty() ? std::string() : "\n" + table.render(color);
}

// --- hints

// Whether that worker could take the task: its capability, and site or node where the target names one.
bool fits(JsonView task, JsonView worker) {
  if (worker["state"].text() == "offline" || worker["draining"].boolean()) return false;
  bool able = false;
  for (const auto capability : worker["capabilities"].items())
    able = able || capability.text() == task["capability"].text();
  const auto target = task["target"].text();
  const auto colon = target.find(':');
  if (!able || colon == std::string_view::npos) return able;
  return worker[target.substr(0, colon)].text() == target.substr(colon + 1);
}

std::string ready_hint(JsonView task, JsonView workers) {
  if (!workers["workers"].is_array()) return {};
  for (const auto worker : workers["workers"].items())
    if (fits(task, worker)) return {};
  std::string text = "no worker that is there and not draining takes `" + item(task["capability"]) + "`";
  if (task["target"].is_string()) text += " at " + item(task["target"]);
  return text + ": see `fairlead worker list`, and `worker` in the configuration of the machine that should";
}

std::string waiting_hint(JsonView task, JsonView workers, const std::string& id) {
  const auto waits = task["waits_for"].text();
  if (waits == "time") return "`fairlead task retry " + id + "` runs it now";
  if (waits == "lock") return "a task at work holds it: `fairlead task list --state claimed,running`";
  if (waits == "dependency")
    return "it goes on when they are done: `fairlead task show` of those after `after`";
  if (waits == "pause")
    return "`fairlead queue stats` shows who paused it, `fairlead queue resume` ends that";
  return ready_hint(task, workers);
}

std::string failure_hint(JsonView task, const std::string& id) {
  const auto code = task["error_code"].text();
  auto again = "`fairlead task retry " + id + "` makes a new task of it";
  if (code == "poison") return "its worker was lost twice while it ran: find out why before " + again;
  if (code == "forbidden") return "let its worker's configuration (`executors`) allow it; then " + again;
  if (code == "no_executor")
    return "its worker has no executor of this kind: set another capability or target";
  if (code == "validation") return "mend the payload, and add it anew";
  if (code == "timeout") return "add it anew with a longer --timeout, or mend what takes so long";
  if (code == "dependency") return "mend the task before it first; then " + again;
  return again;
}

}  // namespace

std::string age_text(JsonView time, base::WallTime now) {
  const auto then = base::parse_iso8601(time.text());
  if (!then) return kNone;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - *then);
  return base::format_duration(std::max<base::Millis>(seconds, base::Millis(0)));
}

std::string task_hint(JsonView task, JsonView workers) {
  const auto state = task["state"].text();
  const auto id = std::to_string(task["id"].integer());
  if (state == "queued") return waiting_hint(task, workers, id);
  if (state == "failed") return failure_hint(task, id);
  if (state == "cancelled") return "`fairlead task retry " + id + "` makes a new task of it";
  if (state == "claimed" || state == "running")
    return "`fairlead task logs --follow " + id + "` shows what it writes";
  return {};
}

std::string render_tasks(JsonView list, base::WallTime now, bool color) {
  Table table({"ID", "KIND", "STATE", "WORKER", "ATTEMPT", "AGE", "ACTOR"});
  for (const auto task : list["tasks"].items()) {
    std::string state = item(task["state"]);
    if (task["waits_for"].is_string()) state += ", waits for " + item(task["waits_for"]);
    if (task["waits_detail"].is_string()) state += " " + item(task["waits_detail"]);
    if (task["error_code"].is_string()) state += ": " + item(task["error_code"]);
    table.add({{std::to_string(task["id"].integer()), Style::plain, true},
               {item(task["kind"])},
               {state, outcome_style(task)},
               {item(task["worker"])},
               {attempt_text(task), Style::plain, true},
               {age_text(task["submitted_at"], now)},
               {item(task["actor"]["name"])}});
  }
  return table.render(color);
}

std::string render_task(JsonView task, JsonView workers, base::WallTime now, bool color) {
  std::string text = paint("task " + std::to_string(task["id"].integer()), Style::strong, color) + ": " +
                     item(task["kind"]) + ", " + paint(outcome_text(task), outcome_style(task), color) + "\n";
  text += what_text(task, now) + result_text(task["result"]) + timeline_text(task, color);
  if (const auto hint = task_hint(task, workers); !hint.empty())
    text += "\n" + paint("hint: " + hint, Style::faint, color) + "\n";
  return text;
}

}  // namespace fairlead::cli
