#include "cli/task_outcome.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"

namespace fairlead::cli {

namespace {

using base::JsonView;

constexpr std::size_t kLongestTaskWord = 64;
constexpr std::size_t kLongestCause = 400;
constexpr int kMostStatus = 255;

std::string word(JsonView value) {
  return base::printable(value.text(), kLongestTaskWord);
}

std::string queued_text(JsonView task) {
  if (!task["waits_for"].is_string()) return "queued, ready";
  std::string text = "queued, waits for " + word(task["waits_for"]);
  if (const auto detail = word(task["waits_detail"]); !detail.empty()) text += " " + detail;
  if (task["waits_for"].text() == "time" && task["run_at"].is_string()) text += " " + word(task["run_at"]);
  return text;
}

// "exit 3", "signal 9", or what the error says.
std::string failed_text(JsonView task) {
  const auto result = task["result"];
  const auto code = word(task["error_code"]);
  std::string text = code.empty() ? "failed" : "failed: " + code;
  const auto exit_class = result["exit_class"].text();
  if (exit_class == "failure") text += ": exit " + std::to_string(result["exit_status"].integer());
  if (exit_class == "signalled") text += ": signal " + std::to_string(result["exit_status"].integer());
  const auto message = result["error"]["message"].text();
  if (exit_class != "failure" && exit_class != "signalled" && !message.empty())
    text += ": " + base::printable(message.substr(0, message.find('\n')), kLongestCause);
  return text;
}

}  // namespace

bool is_over(JsonView task) {
  const auto state = task["state"].text();
  return state == "done" || state == "failed" || state == "cancelled";
}

Exit exit_of_task(JsonView task) {
  const auto status = [](int number) { return static_cast<Exit>(number); };
  if (!is_over(task)) return status(task_exit::kNotOver);
  if (task["state"].text() == "done") return Exit::ok;
  if (task["state"].text() == "cancelled") return status(task_exit::kNoStatus);
  if (task["error_code"].text() == "timeout") return status(task_exit::kTimedOut);
  // Of the last attempt, not of an earlier one whose result is still kept.
  if (task["error_code"].text() != "runtime") return status(task_exit::kNoStatus);
  const auto exit_class = task["result"]["exit_class"].text();
  const auto number = static_cast<int>(task["result"]["exit_status"].integer());
  if (exit_class == "signalled" && number > 0) return status(task_exit::kSignalBase + number);
  if (exit_class == "failure" && number > 0 && number <= kMostStatus) return status(number);
  return status(task_exit::kNoStatus);
}

std::string about_task(std::int64_t id, const std::string& message) {
  const auto name = "task " + std::to_string(id);
  return message.starts_with(name + " ") || message.ends_with(name) ? message : name + ": " + message;
}

std::string outcome_text(JsonView task) {
  const auto state = task["state"].text();
  if (state == "queued") return queued_text(task);
  if (state == "failed") return failed_text(task);
  auto text = word(task["state"]);
  if (state == "done") {
    const auto duration = task["result"]["duration_ms"];
    return duration.is_number() ? text + " in " + base::format_duration(base::Millis(duration.integer()))
                                : text;
  }
  if (state != "cancelled" && task["worker"].is_string()) text += " on " + word(task["worker"]);
  if (task["cancel_requested"].boolean() && !is_over(task)) text += ", asked to stop";
  return text;
}

Style outcome_style(JsonView task) {
  const auto state = task["state"].text();
  if (state == "done") return Style::good;
  if (state == "failed") return Style::bad;
  if (state == "cancelled") return Style::faint;
  return state == "queued" && !task["waits_for"].is_string() ? Style::plain : Style::warning;
}

}  // namespace fairlead::cli
