#include "worker/attempt.hpp"

#include <utility>

#include "base/failpoint.hpp"
#include "base/text.hpp"

namespace fairlead::worker {

namespace {

using Outcome = core::Report::Outcome;

core::TaskResult refusal(std::string_view code, const base::Error& error) {
  core::TaskResult result;
  result.error = core::make_task_error(code, error.text());
  return result;
}

std::string_view code_of(const base::Error& error) {
  return error.code == base::Code::forbidden ? core::task_error::kForbidden : core::task_error::kValidation;
}

// "exit status 3 after 1s 200ms: …": what a timeline has room for.
std::string summary(const core::TaskResult& result) {
  if (result.ok()) return "after " + base::format_duration(result.duration);
  constexpr std::size_t kMost = 200;
  const auto first_line = result.error.message.substr(0, result.error.message.find('\n'));
  return result.error.code + ": " + base::printable(first_line, kMost);
}

}  // namespace

Attempt::Attempt(Site& site, core::TaskRecord task, base::BootTime lease_until)
    : site_(site), task_(std::move(task)), lease_until_(lease_until), began_(base::steady_now()) {}

void Attempt::begin() {
  executor_ = site_.executors.find(task_.envelope.kind);
  if (executor_ == nullptr) {
    result_ = refusal(core::task_error::kNoExecutor,
                      {base::Code::not_found,
                       "this worker has no executor for the kind \"" + task_.envelope.kind +
                           "\": add it to `executors` in its configuration, or to another capability",
                       {}});
    return conclude();
  }
  if (const auto good = executor_->validate_pre(task_.envelope); !good) {
    result_ = refusal(code_of(good.error()), good.error());
    return conclude();
  }
  const core::TaskRun run{task_.id, task_.epoch, task_.attempt, task_.envelope, lease_until_};
  call_ = executor_->execute(
      run, [this](bool is_error, std::string_view bytes) { site_.on_output(task_.id, is_error, bytes); },
      [this](core::TaskResult result) { on_executed(std::move(result)); });
}

void Attempt::stop(StopAs as) {
  if (stop_as_ || phase_ == Phase::finished) return;
  stop_as_ = as;
  if (phase_ == Phase::asking) return conclude();
  if (call_) call_->stop();
}

void Attempt::renew_lease(base::BootTime until) {
  lease_until_ = until;
  if (call_) call_->renew_lease(until);
}

void Attempt::on_executed(core::TaskResult result) {
  base::failpoint(base::Failpoint::child_ended);
  const auto call = std::move(call_);
  result_ = std::move(result);
  if (!result_.ok()) return conclude();
  const auto good = executor_->validate_post(task_.envelope, result_);
  if (good) return conclude();
  result_.error = core::make_task_error(core::task_error::kValidation, good.error().text());
  phase_ = Phase::taking_back;
  const core::TaskRun run{task_.id, task_.epoch, task_.attempt, task_.envelope, lease_until_};
  call_ = executor_->rollback(run, result_, [this](const core::TaskResult& how) { on_taken_back(how); });
  if (!call_) conclude();
}

void Attempt::on_taken_back(const core::TaskResult& how) {
  const auto call = std::move(call_);
  const std::string outcome = how.ok() ? "; rolled back" : "; the rollback failed: " + how.error.message;
  result_.error = core::make_task_error(result_.error.code, result_.error.message + outcome);
  conclude();
}

// A task that came to its end by itself has ended so, also where it was to be stopped just then.
void Attempt::conclude() {
  if (result_.ok()) return finish(Outcome::done, summary(result_));
  if (stop_as_ == StopAs::cancelled) {
    result_.error = core::make_task_error(core::task_error::kCancelled, "cancelled on request");
    return finish(Outcome::cancelled, "its work was stopped");
  }
  if (stop_as_ == StopAs::handed_back) return finish(Outcome::handed_back, "its work was stopped");
  ask_retry();
}

void Attempt::ask_retry() {
  const auto standard = core::standard_retry(task_.envelope, task_.attempt, result_.error.code);
  if (site_.policy == nullptr || !site_.policy->asks(core::HookEvent::retry)) return fail({standard, {}, {}});
  phase_ = Phase::asking;
  asking_ = site_.policy->decide(core::HookEvent::retry, core::retry_context(task_, result_.error, standard),
                                 [this, standard](const core::PolicyAnswer& answer) {
                                   const auto call = std::move(asking_);
                                   const auto plan = core::plan_retry(answer, task_, standard);
                                   if (!plan.refused.empty())
                                     site_.policy->refused(core::HookEvent::retry, answer, plan.refused);
                                   fail(plan);
                                 });
}

void Attempt::fail(const core::RetryPlan& plan) {
  std::string detail = summary(result_);
  if (!plan.delay) {
    if (!plan.why.empty()) detail += "; not again: " + plan.why;
    return finish(Outcome::failed, std::move(detail));
  }
  report_.delay = *plan.delay;
  finish(Outcome::again, detail + "; again in " + base::format_duration(*plan.delay));
}

void Attempt::finish(Outcome outcome, std::string detail) {
  asking_.reset();
  phase_ = Phase::finished;
  report_.id = task_.id;
  report_.epoch = task_.epoch;
  report_.outcome = outcome;
  report_.started = result_.exit_class != core::ExitClass::not_started && executor_ != nullptr;
  report_.result = core::result_json(result_).dump();
  report_.error_code = result_.error.code;
  report_.detail = std::move(detail);
  site_.finished(task_.id);
}

}  // namespace fairlead::worker
