// Where a tunnel asks the hooks: when to come back, and what a fallen health check means. No line waits for
// them: the backoff's wait begins at once and a verdict changes it, and a tunnel is called degraded a
// deadline later at most.
#include <algorithm>
#include <utility>

#include "core/guardrails.hpp"
#include "ssh/tunnel.hpp"

namespace fairlead::ssh {

namespace {

using core::HookEvent;
using core::Reason;
using core::TunnelEvent;
using core::TunnelState;

double seconds(base::Millis duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}

base::Millis since(base::SteadyTime begin) {
  return std::chrono::duration_cast<base::Millis>(base::steady_now() - begin);
}

base::Json tunnel_json(const core::Tunnel& config) {
  base::Json tunnel = base::Json::object();
  tunnel.set("name", config.name).set("host", config.host).set("port", config.port);
  tunnel.set("actor", config.actor.name);
  return tunnel;
}

std::string seen_of(const std::optional<core::HealthResult>& result) {
  if (!result) return {};
  return result->http_status != 0 ? "HTTP " + std::to_string(result->http_status) : result->error;
}

}  // namespace

void Tunnel::ask_reconnect(const Failure& why, base::Millis standard) {
  if (site_.policy == nullptr || !site_.policy->asks(HookEvent::reconnect)) return;
  const auto& reason = core::describe(why.reason);
  base::Json context = base::Json::object();
  context.set("tunnel", tunnel_json(*config_)).set("reason", reason.id).set("detail", detail_);
  context.set("patient", reason.patient).set("attempts", backoff_.attempts() - 1);
  context.set("max_attempts", config_->reconnect.max_attempts).set("default_delay", seconds(standard));
  context.set("least_delay", seconds(config_->reconnect.backoff_initial));
  reconnect_call_ =
      site_.policy->decide(HookEvent::reconnect, std::move(context),
                           [this, standard, asked = base::steady_now()](const core::PolicyAnswer& answer) {
                             follow_reconnect(answer, standard, asked);
                           });
}

void Tunnel::follow_reconnect(const core::PolicyAnswer& answer, base::Millis standard,
                              base::SteadyTime asked) {
  const auto call = std::move(reconnect_call_);
  if (state_ != TunnelState::reconnecting || !retry_.active()) return;  // it has moved on meanwhile
  const core::ReconnectPlan plan = core::plan_reconnect(answer, standard, config_->reconnect.backoff_initial);
  if (!plan.refused.empty()) site_.policy->refused(HookEvent::reconnect, answer, plan.refused);
  if (plan.stop) {
    retry_.stop();
    for (auto& listener : listeners_) listener.reset();
    apply(TunnelEvent::give_up, Reason::stopped_by_hook, answer.hook + ": " + plan.why);
  } else if (plan.delay != standard) {
    retry_.start(std::max(base::Millis(0), plan.delay - since(asked)));
  }
}

// The check fell, or a hold is over and it is still down.
void Tunnel::ask_health() {
  if (site_.policy == nullptr || !site_.policy->asks(HookEvent::health)) return follow_health({});
  const core::HealthCheck& check = config_->health_checks.front();
  base::Json tunnel = base::Json::object();
  tunnel.set("name", config_->name).set("host", config_->host);
  base::Json seen = base::Json::object();
  seen.set("url", check.url).set("from", core::to_string(check.from)).set("failures", health_failures_);
  if (health_result_ && health_result_->http_status != 0) seen.set("status", health_result_->http_status);
  if (health_result_ && !health_result_->error.empty()) seen.set("error", health_result_->error);
  seen.set("good_for", healthy_since_ ? seconds(since(*healthy_since_)) : 0.0);
  base::Json context = base::Json::object();
  context.set("tunnel", std::move(tunnel)).set("check", std::move(seen));
  context.set("held_for", held_since_ ? seconds(since(*held_since_)) : 0.0);
  health_call_ = site_.policy->decide(HookEvent::health, std::move(context),
                                      [this](const core::PolicyAnswer& answer) { follow_health(answer); });
}

void Tunnel::follow_health(const core::PolicyAnswer& answer) {
  const auto call = std::move(health_call_);
  if (state_ != TunnelState::connected || verdict_.good()) return;  // it has moved on meanwhile
  const base::Millis held = held_since_ ? since(*held_since_) : base::Millis(0);
  const core::HealthPlan plan = core::plan_health(answer, held);
  if (site_.policy != nullptr && !plan.refused.empty())
    site_.policy->refused(HookEvent::health, answer, plan.refused);
  if (plan.hold) {
    if (!held_since_) held_since_ = base::steady_now();
    hold_ = {answer.hook, plan.why, *plan.hold};
    hold_over_.start(*plan.hold);
    site_.session.log.info("health_held", {{"tunnel", config_->name},
                                           {"hook", answer.hook},
                                           {"for", base::format_duration(*plan.hold)},
                                           {"why", plan.why}});
    return;
  }
  end_hold();
  healthy_since_.reset();
  std::string seen = seen_of(health_result_);
  if (!plan.why.empty()) seen += (seen.empty() ? "" : "; ") + plan.why;
  apply(TunnelEvent::unhealthy, Reason::health_failed, seen);
}

void Tunnel::end_hold() {
  hold_over_.stop();
  held_since_.reset();
  health_call_.reset();
}

}  // namespace fairlead::ssh
