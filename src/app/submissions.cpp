#include "app/submissions.hpp"

#include <array>
#include <utility>

#include "base/random.hpp"
#include "base/text.hpp"
#include "core/task_envelope.hpp"
#include "core/task_verdicts.hpp"

namespace fairlead::app {

namespace {

constexpr std::size_t kMostTasks = 1000;
constexpr base::Millis kFreshEnough{5'000};  // of what hooks are told of queue and workers

std::string new_trace_id() {
  std::array<std::uint8_t, 16> bytes{};
  base::secure_random(bytes);
  return base::hex(bytes);
}

base::Error not_answered() {
  return {base::Code::internal, "the store has not answered for this task", {}};
}

}  // namespace

// One call of submit(): what becomes of each envelope.
struct Submissions::Batch {
  struct Item {
    core::Submission submission;
    std::optional<base::Error> refused;
  };
  std::vector<Item> items;
  std::size_t asked = 0;  // items that a hook is asked about
  core::Answer<Answers> done;
};

Submissions::Submissions(Parts parts)
    : parts_(parts), go_(parts.loop, "task-submissions", [this] {
        for (const auto& batch : std::exchange(read_, {})) ask_all(batch);
      }) {}

Submissions::~Submissions() = default;

void Submissions::submit(base::JsonView envelopes, std::string_view key, const core::Caller& caller,
                         core::Answer<Answers> done) {
  auto batch = std::make_shared<Batch>();
  batch->done = std::move(done);
  const auto add = [&](base::JsonView json) {
    auto envelope = read(json, key, caller);
    Batch::Item item;
    if (envelope) {
      item.submission.route = core::route_of(envelope->capability, envelope->target);
      item.submission.envelope = std::move(*envelope);
    } else {
      item.refused = envelope.error();
    }
    batch->items.push_back(std::move(item));
  };
  if (!envelopes.is_array())
    add(envelopes);
  else if (envelopes.size() <= kMostTasks)
    for (const auto json : envelopes.items()) add(json);
  else
    batch->items.push_back({{},
                            base::Error{base::Code::too_large,
                                        std::to_string(envelopes.size()) +
                                            " tasks at once; at most 1000 are taken: send them in parts",
                                        {}}});
  read_.push_back(std::move(batch));
  go_.schedule();
}

base::Result<core::TaskEnvelope> Submissions::read(base::JsonView json, std::string_view key,
                                                   const core::Caller& caller) const {
  auto envelope = core::parse_envelope(json);
  if (!envelope) return envelope;
  if (!key.empty() && !envelope->idempotency_key.empty() && envelope->idempotency_key != key)
    return base::Error{base::Code::bad_request,
                       "idempotency_key: is not what the header Idempotency-Key says: leave one of them out",
                       {}};
  if (!key.empty()) envelope->idempotency_key = key;
  if (!json["actor"].exists()) envelope->actor = caller.name;
  if (!json["actor_class"].exists()) envelope->actor_class = caller.caller_class;
  // Else whoever is held to the rules for machines could leave them behind by a word.
  if (envelope->actor_class == core::ActorClass::human && caller.caller_class == core::ActorClass::automation)
    return base::Error{
        base::Code::forbidden,
        "actor_class: " + caller.name + " is known as automation (api.roles) and cannot submit as human",
        {}};
  if (envelope->trace_id.empty()) envelope->trace_id = new_trace_id();
  // What is malformed everywhere is refused here. What this machine does not allow, another may.
  if (const auto executor = parts_.executors.find(envelope->kind))
    if (const auto good = executor->validate_pre(*envelope);
        !good && good.error().code == base::Code::bad_request)
      return base::Error{base::Code::bad_request, "payload: " + good.error().text(), {}};
  return envelope;
}

void Submissions::ask_all(const BatchPtr& batch) {
  const bool any = parts_.policy.asks(core::HookEvent::admit) || parts_.policy.asks(core::HookEvent::route);
  if (!any) return store(batch);
  parts_.view.with_fresh(kFreshEnough, [this, batch] {
    batch->asked = 1;  // until all are asked
    for (std::size_t i = 0; i < batch->items.size(); ++i) {
      if (batch->items[i].refused) continue;
      ++batch->asked;
      admit(batch, i);
    }
    settled(batch);
  });
}

void Submissions::ask(core::HookEvent event, base::Json context, core::PolicyPort::OnAnswer then) {
  const auto id = next_call_++;
  calls_[id] = parts_.policy.decide(event, std::move(context),
                                    [this, id, then = std::move(then)](core::PolicyAnswer answer) {
                                      const auto call = std::move(calls_[id]);
                                      calls_.erase(id);
                                      then(std::move(answer));
                                    });
}

void Submissions::admit(const BatchPtr& batch, std::size_t index) {
  if (!parts_.policy.asks(core::HookEvent::admit)) return route(batch, index);
  ask_admit(batch->items[index].submission.envelope, [this, batch, index](const base::Result<>& admitted) {
    if (admitted) return route(batch, index);
    batch->items[index].refused = admitted.error();
    settled(batch);
  });
}

void Submissions::ask_admit(const core::TaskEnvelope& task, std::function<void(base::Result<>)> then) {
  ask(core::HookEvent::admit, core::admit_context(task, parts_.view.queued()),
      [then = std::move(then)](const core::PolicyAnswer& answer) {
        const auto plan = core::plan_admit(answer);
        if (plan.accept) return then(base::success());
        then(base::Error{base::Code::forbidden, "not admitted: " + plan.why, {}});
      });
}

// Where it is not finished, the store says so better. A task that could not be read is not let through
// unasked.
void Submissions::may_repeat(core::TaskId id, const core::Caller& caller, core::Answer<base::Unit> done) {
  if (!parts_.policy.asks(core::HookEvent::admit)) return done(base::success());
  parts_.view.with_fresh(kFreshEnough, [this, id, caller, done = std::move(done)] {
    parts_.store.find(id, [this, caller, done](base::Result<core::TaskDetail> found) {
      if (!found) return done(found.error());
      if (!core::is_final(found->task.state)) return done(base::success());
      auto& task = found->task.envelope;
      task.actor = caller.name;
      task.actor_class = caller.caller_class;
      ask_admit(task, done);
    });
  });
}

void Submissions::route(const BatchPtr& batch, std::size_t index) {
  auto& submission = batch->items[index].submission;
  if (!parts_.policy.asks(core::HookEvent::route)) return settled(batch);
  const auto workers = parts_.view.workers_for(submission.envelope);
  ask(core::HookEvent::route, core::route_context(submission.envelope, workers),
      [this, batch, index, workers](const core::PolicyAnswer& answer) {
        auto& routed = batch->items[index].submission;
        const auto plan = core::plan_route(answer, routed.envelope, workers);
        if (!plan.refused.empty()) parts_.policy.refused(core::HookEvent::route, answer, plan.refused);
        routed.route = plan.route;
        settled(batch);
      });
}

void Submissions::settled(const BatchPtr& batch) {
  if (--batch->asked == 0) store(batch);
}

void Submissions::store(const BatchPtr& batch) {
  std::vector<core::Submission> good;
  for (const auto& item : batch->items)
    if (!item.refused) good.push_back(item.submission);
  const auto answer = [batch](base::Result<Answers> stored) {
    Answers answers;
    std::size_t next = 0;
    for (const auto& item : batch->items) {
      if (item.refused)
        answers.emplace_back(*item.refused);
      else if (!stored)
        answers.emplace_back(stored.error());
      else
        answers.push_back(next < stored->size() ? (*stored)[next++]
                                                : base::Result<core::Submitted>(not_answered()));
    }
    batch->done(std::move(answers));
  };
  if (good.empty()) return answer(Answers{});
  parts_.store.submit(std::move(good), answer);
}

}  // namespace fairlead::app
