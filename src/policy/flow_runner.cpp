#include "policy/flow_runner.hpp"

#include <utility>

#include "policy/hook_clock.hpp"

namespace fairlead::policy {

namespace {

constexpr std::size_t kMostFlows = 64;  // at a time
constexpr int kMostEffects = 1'000;     // of one run

}  // namespace

FlowRunner::FlowRunner(loop::Loop& loop, HookLines& log, Generation& generation, Effects& effects,
                       core::PolicyAllow allow)
    : loop_(loop),
      log_(log),
      generation_(generation),
      effects_(effects),
      allow_(std::move(allow)),
      bury_(loop, "flow-bury", [this] { over_.clear(); }),
      retired_(loop, "flow-retire", [this] {
        const std::size_t left = flows_.size();
        flows_.clear();
        if (const auto ended = std::exchange(ended_, nullptr)) ended(left);
      }) {}

void FlowRunner::begin() {
  const auto& hooks = generation_.hooks();
  for (std::size_t hook = 0; hook < hooks.size(); ++hook) {
    if (hooks[hook].event != core::HookEvent::every) continue;
    intervals_.push_back(
        std::make_unique<loop::Timer>(loop_, "flow-interval", [this, hook] { start(hook); }));
    intervals_.back()->start_repeating(hooks[hook].every);
  }
}

void FlowRunner::retire(base::Millis deadline, std::function<void(std::size_t)> ended) {
  intervals_.clear();
  ended_ = std::move(ended);
  retired_.start(flows_.empty() ? base::Millis(0) : deadline);
}

void FlowRunner::check_retired() {
  if (ended_ && flows_.empty()) retired_.start(base::Millis(0));
}

// A run that is still under way is not started a second time.
void FlowRunner::start(std::size_t hook) {
  const HookInfo& info = generation_.hooks()[hook];
  if (info.quarantined) return;
  for (const auto& [id, flow] : flows_)
    if (flow.hook == hook)
      return log_.warn("flow_still_running", {{"hook", info.name}, {"generation", generation_.number()}});
  if (flows_.size() >= kMostFlows)
    return log_.warn("flow_not_started", {{"hook", info.name}, {"why", "64 flows are under way"}});
  const std::uint64_t id = next_id_++;
  base::Json message = base::Json::object();
  message.set("start", hook);
  if (!send(id, std::move(message))) return;
  flows_[id] = Flow{hook, 0, nullptr};
}

bool FlowRunner::send(std::uint64_t id, base::Json message) {
  message.set("clock", hook_clock(base::wall_now()));
  return generation_.step_flow(id, std::move(message));
}

void FlowRunner::on_step(base::JsonView step) {
  const auto id = static_cast<std::uint64_t>(step["flow"].integer());
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  if (step["effect"].exists()) return perform(id, found->second, step);
  end(id, std::string(step["failed"].text()));
}

void FlowRunner::perform(std::uint64_t id, Flow& flow, base::JsonView step) {
  const core::EffectInfo* effect = core::find_effect(step["effect"].text());
  const std::string& name = generation_.hooks()[flow.hook].name;
  if (effect == nullptr) return end(id, "it asked for what is no effect");
  if (++flow.effects > kMostEffects) {
    generation_.cancel_flow(id);
    return end(id, "it asked for more than 1000 effects in one run");
  }
  flow.effect = effects_.perform(*effect, step["arguments"], name, allow_,
                                 [this, id](EffectResult result) { answer(id, std::move(result)); });
}

void FlowRunner::answer(std::uint64_t id, EffectResult result) {
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  over_.push_back(std::move(found->second.effect));
  bury_.schedule();
  base::Json message = base::Json::object();
  if (result.good)
    message.set("good", std::move(result.value));
  else
    message.set("error", result.message).set("raise", result.forbidden);
  if (!send(id, std::move(message))) end(id, "the policy process is not there");
}

void FlowRunner::end(std::uint64_t id, const std::string& failure) {
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  const HookInfo& hook = generation_.hooks()[found->second.hook];
  if (!failure.empty())
    log_.warn("flow_failed", {{"hook", hook.name}, {"generation", generation_.number()}, {"error", failure}});
  if (found->second.effect) over_.push_back(std::move(found->second.effect));
  bury_.schedule();
  flows_.erase(found);
  check_retired();
}

void FlowRunner::on_restarted() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, flow] : flows_) ids.push_back(id);
  for (const std::uint64_t id : ids) end(id, "the policy process was started anew");
}

}  // namespace fairlead::policy
