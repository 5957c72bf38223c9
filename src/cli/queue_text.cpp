#include "cli/queue_text.hpp"

#include "base/text.hpp"
#include "cli/table.hpp"
#include "cli/task_text.hpp"

namespace fairlead::cli {

namespace {

using base::JsonView;

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kLongestReason = 400;
constexpr std::int64_t kOldSnapshot = 600;  // seconds; then it is worth a word

std::string name_of(JsonView value) {
  const auto text = base::printable(value.text(), kLongestName);
  return text.empty() ? "-" : text;
}

std::string seconds(JsonView value) {
  return base::format_duration(base::Millis(value.integer() * 1000));
}

std::string number_of(JsonView value) {
  return std::to_string(value.integer());
}

std::string worker_part(JsonView worker) {
  if (!worker.is_object()) return "no worker here";
  std::string text = "worker " + name_of(worker["name"]) + ": ";
  if (!worker["live"].boolean()) return text + "not registered";
  text += number_of(worker["running"]) + " of " + number_of(worker["concurrency"]) + " at work";
  return worker["draining"].boolean() ? text + ", draining" : text;
}

Style store_style(JsonView store) {
  const auto state = store["state"].text();
  if (state == "open") return Style::plain;
  return state == "opening" ? Style::warning : Style::bad;
}

std::string hints_text(JsonView store) {
  const auto hints = base::printable(store["hints"].text(), kLongestReason);
  return hints.empty() ? hints : "news of tasks: " + hints + "\n";
}

std::string pauses_text(JsonView pauses, base::WallTime now, bool color) {
  std::string text;
  for (const auto pause : pauses.items()) {
    std::string line = "paused: " + scope_text(pause);
    line += pause["until"].is_string() ? " until " + name_of(pause["until"]) : " until it is resumed";
    line += ", by " + name_of(pause["actor"]) + " " + age_text(pause["since"], now) + " ago";
    if (pause["why"].is_string()) line += ": " + base::printable(pause["why"].text(), kLongestReason);
    text += paint(line, Style::warning, color) + "\n";
  }
  return text;
}

std::string stats_text(JsonView stats, bool color) {
  if (!stats.is_object()) return {};
  Table table({"KIND", "STATE", "WAITS FOR", "TASKS", "OLDEST"});
  for (const auto row : stats["rows"].items())
    table.add({{name_of(row["kind"])},
               {name_of(row["state"])},
               {name_of(row["waits_for"])},
               {number_of(row["count"]), Style::plain, true},
               {seconds(row["oldest_seconds"])}});
  const bool none = stats["rows"].size() == 0;
  std::string text = "\n" + (none ? std::string("no task waits or runs\n") : table.render(color));
  text += "\n" + number_of(stats["history"]) +
          (stats["history"].integer() == 1 ? " finished task is kept\n" : " finished tasks are kept\n");
  if (stats["oldest_snapshot_seconds"].integer() >= kOldSnapshot)
    text += paint("a transaction in the database is " + seconds(stats["oldest_snapshot_seconds"]) +
                      " old: it keeps finished rows from being cleaned up, and the queue gets slower",
                  Style::warning, color) +
            "\n";
  return text;
}

Cell worker_state(JsonView worker) {
  const auto state = name_of(worker["state"]);
  const bool draining = worker["draining"].boolean();
  if (state == "offline") return {state, Style::bad};
  if (state == "late") return {state, Style::warning};
  return {draining ? "draining" : state, draining ? Style::warning : Style::good};
}

std::string capabilities_of(JsonView worker) {
  std::string text;
  for (const auto one : worker["capabilities"].items()) {
    text += (text.empty() ? "" : " ") + name_of(one);
    if (const auto limit = worker["limits"][one.text()]; limit.exists()) text += "=" + number_of(limit);
  }
  return text;
}

}  // namespace

std::string scope_text(JsonView pause) {
  if (pause["scope"].text() == "all") return "everything";
  return name_of(pause["scope"]) + " " + name_of(pause["name"]);
}

bool is_worth_a_line(JsonView queue) {
  const auto store = queue["store"];
  return queue.is_object() && (queue["worker"].is_object() || store["state"].text() != "open" ||
                               store["backend"].text() != "sqlite");
}

std::string queue_line(JsonView queue, bool color) {
  const auto store = queue["store"];
  std::string text = "queue: " + name_of(store["backend"]) + ", ";
  text +=
      paint(name_of(store["state"]), store_style(store), color) + "; " + worker_part(queue["worker"]) + "\n";
  if (const auto error = store["error"].text(); !error.empty())
    text += paint("queue: " + base::printable(error, kLongestReason), store_style(store), color) + "\n";
  return text;
}

std::string render_queue(JsonView queue, base::WallTime now, bool color) {
  const auto store = queue["store"];
  std::string text = queue_line(queue, color);
  text += "kept in " + base::printable(store["place"].text("-"), kLongestReason) + "\n" + hints_text(store);
  text += pauses_text(queue["pauses"], now, color) + stats_text(queue["stats"], color);
  return text;
}

std::string render_workers(JsonView workers, bool color) {
  Table table({"WORKER", "STATE", "SITE", "NODE", "TASKS", "LAST BEAT", "VERSION", "CAPABILITIES"});
  for (const auto worker : workers["workers"].items())
    table.add({{name_of(worker["name"])},
               worker_state(worker),
               {name_of(worker["site"])},
               {name_of(worker["node"])},
               {number_of(worker["owned"]) + "/" + number_of(worker["concurrency"]), Style::plain, true},
               {seconds(worker["beat_age_seconds"])},
               {name_of(worker["version"])},
               {capabilities_of(worker)}});
  return table.render(color);
}

std::string render_worker(JsonView worker, JsonView tasks, base::WallTime now, bool color) {
  const auto state = worker_state(worker);
  std::string text = paint("worker " + name_of(worker["name"]), Style::strong, color) + ": " +
                     paint(state.text, state.style, color) + "\n";
  const auto line = [&](const std::string& label, const std::string& value) {
    text += "  " + label + std::string(14 - label.size(), ' ') + value + "\n";
  };
  line("site", name_of(worker["site"]));
  line("node", name_of(worker["node"]));
  line("takes", capabilities_of(worker));
  line("tasks", number_of(worker["owned"]) + " of " + number_of(worker["concurrency"]));
  line("last beat", seconds(worker["beat_age_seconds"]) + " ago");
  line("since", name_of(worker["registered_at"]));
  line("incarnation", number_of(worker["incarnation"]));
  line("version", name_of(worker["version"]));
  if (tasks["tasks"].size() > 0) text += "\n" + render_tasks(tasks, now, color);
  if (worker["state"].text() == "offline")
    text += "\n" +
            paint("hint: start its daemon: `fairlead status` on " + name_of(worker["node"]) +
                      " tells what is wrong",
                  Style::faint, color) +
            "\n";
  else if (worker["draining"].boolean())
    text += "\n" +
            paint("hint: it takes no new tasks: `fairlead worker drain --undo " + name_of(worker["name"]) +
                      "` ends that",
                  Style::faint, color) +
            "\n";
  return text;
}

}  // namespace fairlead::cli
