#include "core/task_verdicts.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace fairlead::core {

namespace {

using base::Json;

constexpr std::size_t kMostWhy = 1024;

std::string_view verdict_of(const PolicyAnswer& answer) {
  return answer.given ? answer.value["verdict"].text() : std::string_view{};
}

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const auto& text : texts) list.push(text);
  return list;
}

Json task_context(const TaskEnvelope& task) {
  Json json = Json::object();
  json.set("kind", task.kind).set("capability", task.capability);
  if (!task.target.empty()) json.set("target", task.target);
  return json;
}

double in_seconds(base::Millis time) {
  return static_cast<double>(time.count()) / 1000;
}

}  // namespace

Json admit_context(const TaskEnvelope& task, std::uint64_t queue_length) {
  Json json = Json::object(), actor = Json::object(), queue = Json::object();
  Json about = task_context(task);
  about.set("priority", task.priority).set("locks", list_of(task.locks));
  actor.set("name", task.actor).set("class", to_string(task.actor_class));
  queue.set("length", queue_length);
  json.set("task", std::move(about)).set("actor", std::move(actor)).set("queue", std::move(queue));
  return json;
}

AdmitPlan plan_admit(const PolicyAnswer& answer) {
  if (verdict_of(answer) == "reject")
    return {false, base::printable(answer.value["why"].text(), kMostWhy) + " (" + answer.hook + ")"};
  if (!answer.trouble.empty()) return {false, "the hook `admit` could not be asked: " + answer.trouble};
  return {};
}

Json route_context(const TaskEnvelope& task, const std::vector<std::string>& workers) {
  Json json = Json::object();
  json.set("task", task_context(task)).set("workers", list_of(workers));
  return json;
}

RoutePlan plan_route(const PolicyAnswer& answer, const TaskEnvelope& task,
                     const std::vector<std::string>& workers) {
  RoutePlan plan{route_of(task.capability, task.target), {}};
  const auto verdict = verdict_of(answer);
  if (verdict == "worker") {
    const std::string name(answer.value["name"].text());
    if (std::find(workers.begin(), workers.end(), name) == workers.end())
      plan.refused = "worker(" + base::quoted(name, 64) + "): is not one of those that could take it";
    else
      plan.route = route_of(task.capability, "worker:" + name);
  } else if (verdict == "capability") {
    const std::string name(answer.value["name"].text());
    if (name.empty() || name.size() > 64 || name.find('@') != std::string::npos)
      plan.refused = "capability(" + base::quoted(name, 64) + "): is no name of a capability";
    else
      plan.route = route_of(name, task.target);
  }
  return plan;
}

std::optional<base::Millis> standard_retry(const TaskEnvelope& task, int attempt, std::string_view code) {
  constexpr base::Millis kMinute{60'000};
  constexpr base::Millis kSchedule[] = {kMinute, 5 * kMinute, 15 * kMinute};
  if (attempt >= task.max_attempts || code == task_error::kValidation || code == task_error::kForbidden)
    return std::nullopt;
  return kSchedule[std::clamp(attempt - 1, 0, 2)];
}

Json retry_context(const TaskRecord& task, const TaskError& error, std::optional<base::Millis> standard) {
  Json json = Json::object(), about = Json::object(), what = Json::object();
  about.set("id", std::to_string(number(task.id))).set("kind", task.envelope.kind);
  about.set("attempt", task.attempt).set("max_attempts", task.envelope.max_attempts);
  what.set("code", error.code).set("message", error.message);
  json.set("task", std::move(about)).set("error", std::move(what));
  if (standard) json.set("default_delay", in_seconds(*standard));
  return json;
}

RetryPlan plan_retry(const PolicyAnswer& answer, const TaskRecord& task,
                     std::optional<base::Millis> standard) {
  RetryPlan plan{standard, {}, {}};
  const auto verdict = verdict_of(answer);
  if (verdict == "give_up") {
    plan.delay.reset();
    plan.why = base::printable(answer.value["why"].text(), kMostWhy) + " (" + answer.hook + ")";
  } else if (verdict == "again") {
    const base::Millis wanted(static_cast<std::int64_t>(std::llround(answer.value["delay"].number() * 1000)));
    if (task.attempt >= task.envelope.max_attempts) {
      plan.refused = "again(" + base::format_duration(wanted) + "): its " +
                     std::to_string(task.envelope.max_attempts) + " attempts are used up";
      return plan;
    }
    plan.delay = std::clamp(wanted, base::Millis(0), kMostRetryDelay);
    if (*plan.delay != wanted)
      plan.refused = "again(" + base::format_duration(wanted) + ") is outside of 0 to " +
                     base::format_duration(kMostRetryDelay);
  }
  return plan;
}

}  // namespace fairlead::core
