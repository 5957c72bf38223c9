// What the hooks `admit`, `route` and `retry` are told of a task, and what is done with what they say: the
// core's own answer where no hook has an opinion, the safe default where they could not be asked. Pure; the
// guardrails of tasks, as guardrails.hpp has those of tunnels.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "core/policy.hpp"
#include "core/task.hpp"
#include "core/task_result.hpp"

namespace fairlead::core {

struct AdmitPlan {
  bool accept = true;
  std::string why;  // of a refusal, for the submitter
};
base::Json admit_context(const TaskEnvelope& task, std::uint64_t queue_length);
AdmitPlan plan_admit(const PolicyAnswer& answer);

struct RoutePlan {
  std::string route;    // route_of()
  std::string refused;  // what of the verdict was not followed
};
// `workers`: names of those that could take it.
base::Json route_context(const TaskEnvelope& task, const std::vector<std::string>& workers);
RoutePlan plan_route(const PolicyAnswer& answer, const TaskEnvelope& task,
                     const std::vector<std::string>& workers);

// When a failed attempt is followed by another: after 1, 5 and 15 minutes, then every 15 minutes; nothing
// once `attempt` has reached max_attempts, and for what will not mend (validation, forbidden).
std::optional<base::Millis> standard_retry(const TaskEnvelope& task, int attempt, std::string_view code);

struct RetryPlan {
  std::optional<base::Millis> delay;  // nothing: it has failed
  std::string why;                    // of giving up
  std::string refused;
};
constexpr base::Millis kMostRetryDelay{7LL * 24 * 3'600'000};
base::Json retry_context(const TaskRecord& task, const TaskError& error,
                         std::optional<base::Millis> standard);
RetryPlan plan_retry(const PolicyAnswer& answer, const TaskRecord& task,
                     std::optional<base::Millis> standard);

}  // namespace fairlead::core
