#include "policy/generation.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::policy {

namespace {

using std::chrono_literals::operator""ms;

constexpr base::Millis kLongestGrace = 60'000ms;

// The gentle limit ends a hook with a message before the deadline ends the process.
base::Json gentle_limits(const Deadlines& deadlines) {
  base::Json limits = base::Json::object();
  for (const core::EventInfo& event : core::all_events()) {
    const auto deadline = deadlines.of(event.event).count();
    limits.set(event.name, std::max<std::int64_t>(1, deadline * 3 / 4));
  }
  return limits;
}

}  // namespace

Generation::Generation(Parts parts, std::uint64_t number, std::shared_ptr<const Source> source)
    : parts_(std::move(parts)),
      number_(number),
      source_(std::move(source)),
      asked_events_(core::all_events().size()),
      flush_(parts_.loop, "policy-flush", [this] { flush(); }),
      bury_(parts_.loop, "policy-bury", [this] { ended_.clear(); }),
      deadline_(parts_.loop, "policy-deadline", [this] { on_late(); }),
      patience_(parts_.loop, "policy-patience",
                [this] { give_up_waiting("the policy process takes too long to start anew"); }),
      restart_(parts_.loop, "policy-restart", [this] { start_process(); }) {}

Generation::~Generation() = default;

void Generation::enter(Stage stage) {
  stage_ = stage;
  deadline_.stop();
  if (stage == Stage::loading) deadline_.start(kLoadDeadline);
  if (stage == Stage::testing) deadline_.start(kTestDeadline);
  if (stage == Stage::broken) restart_.start(kRestartPause);
  if (stage == Stage::ready) patience_.stop();
}

// --- loading

void Generation::load(std::function<void(base::Result<Loaded>)> done) {
  load_done_ = std::move(done);
  start_process();
}

void Generation::recycle(std::function<void(base::Result<Loaded>)> done) {
  load_done_ = std::move(done);
  drop_process();
  start_process();
}

void Generation::start_process() {
  auto started = HostProcess::start(
      parts_.loop, parts_.host,
      {[this](const std::string& line) { on_line(line); }, [this](const std::string& why) { on_gone(why); }});
  if (!started) return load_ended(started.error());
  process_ = std::move(*started);
  enter(Stage::loading);
  process_->send(load_message(*source_, gentle_limits(parts_.deadlines)));
  process_->flush();
}

void Generation::load_ended(base::Result<Loaded> result) {
  if (!result) {
    drop_process();
    enter(Stage::broken);
    if (load_done_) restart_.stop();  // the first load: whoever asked for it decides what is next
  }
  if (const auto done = std::exchange(load_done_, nullptr)) return done(std::move(result));
  if (!result) {
    parts_.log.error("policy_process_not_started",
                     {{"generation", number_}, {"error", result.error().text()}});
    give_up_waiting(result.error().message);
  }
}

void Generation::on_loaded(base::JsonView message) {
  std::vector<HookInfo> hooks;
  for (const base::JsonView one : message["hooks"].items()) {
    const core::EventInfo* event = core::find_event(one["event"].text());
    if (event == nullptr) continue;
    HookInfo hook;
    hook.event = event->event;
    hook.name = one["name"].text();
    hook.file = one["file"].text();
    hook.line = static_cast<int>(one["line"].integer());
    hook.standard = one["standard"].boolean();
    hook.every = base::Millis(static_cast<std::int64_t>(one["seconds"].number() * 1000));
    hooks.push_back(std::move(hook));
    asked_events_[static_cast<std::size_t>(event->event)] = true;
  }
  // The same files in the same order: what is known of a hook goes on to be known.
  for (std::size_t i = 0; i < std::min(hooks.size(), hooks_.size()); ++i) {
    hooks[i].strikes = hooks_[i].strikes;
    hooks[i].late_cpu = hooks_[i].late_cpu;
    hooks[i].quarantined = hooks_[i].quarantined;
    hooks[i].failures = hooks_[i].failures;
    if (hooks[i].quarantined) process_->send("{\"do\":\"skip\",\"hook\":" + std::to_string(i) + "}");
  }
  hooks_ = std::move(hooks);
  Loaded loaded;
  loaded.warnings = problems_of(message["warnings"]);
  for (const base::JsonView one : message["off"].items()) loaded.switched_off.emplace_back(one.text());
  enter(Stage::ready);
  load_ended(std::move(loaded));
  flush_.schedule();
}

void Generation::run_tests(std::function<void(base::Result<base::Json>)> done) {
  tests_done_ = std::move(done);
  enter(Stage::testing);
  process_->send("{\"do\":\"test\"}");
  process_->flush();
}

void Generation::on_tests(base::JsonView message) {
  if (stage_ != Stage::testing) return;
  enter(Stage::ready);
  std::exchange(tests_done_, nullptr)(base::Json::copy(message));
}

// --- asking

bool Generation::asks(core::HookEvent event) const {
  return asked_events_[static_cast<std::size_t>(event)];
}

// A quarantined decide or transform hook silences its whole event: asking only the others could widen what it
// narrowed.
bool Generation::quarantined(core::HookEvent event) const {
  const core::HookKind kind = core::describe(event).kind;
  if (kind == core::HookKind::observe || kind == core::HookKind::flow) return false;
  return std::any_of(hooks_.begin(), hooks_.end(),
                     [event](const HookInfo& hook) { return hook.event == event && hook.quarantined; });
}

std::uint64_t Generation::ask(core::HookEvent event, const base::Json& fields, const base::Json* value,
                              bool explain, Done done) {
  Call call;
  call.id = next_id_++;
  call.event = event;
  call.done = std::move(done);
  if (quarantined(event)) {
    call.trouble = "a hook of " + std::string(core::to_string(event)) + " is in quarantine";
  } else if (waiting_.size() >= kMostWaiting) {
    call.trouble = "too many calls wait for the hooks";
  } else {
    call.line = "{\"id\":" + std::to_string(call.id) + ",\"event\":\"" + std::string(core::to_string(event)) +
                "\",\"ctx\":" + fields.dump();
    if (value != nullptr) call.line += ",\"value\":" + value->dump();
    if (explain) call.line += ",\"explain\":true";
    call.line += "}";
  }
  const std::uint64_t id = call.id;
  (call.trouble.empty() ? waiting_ : troubled_).push_back(std::move(call));
  flush_.schedule();
  return id;
}

void Generation::withdraw(std::uint64_t id) {
  for (auto* queue : {&troubled_, &waiting_, &in_flight_}) {
    const auto call = std::ranges::lower_bound(*queue, id, {}, &Call::id);
    if (call != queue->end() && call->id == id) call->done = nullptr;
  }
}

bool Generation::step_flow(std::uint64_t flow, base::Json message) {
  if (stage_ != Stage::ready && stage_ != Stage::loading) return false;
  Call call;
  call.id = next_id_++;
  call.event = core::HookEvent::every;
  call.flow = flow;
  call.line = message.set("flow", flow).dump();
  waiting_.push_back(std::move(call));
  flush_.schedule();
  return true;
}

void Generation::cancel_flow(std::uint64_t flow) {
  if (stage_ != Stage::ready) return;
  process_->send("{\"flow\":" + std::to_string(flow) + ",\"cancel\":true}");
  process_->flush();
}

void Generation::when_idle(std::function<void()> done) {
  idle_done_ = std::move(done);
  flush_.schedule();
}

void Generation::flush() {
  send_waiting();
  const bool idle = troubled_.empty() && waiting_.empty() && in_flight_.empty();
  if (idle && idle_done_) std::exchange(idle_done_, nullptr)();
}

// Sends the next batch when the one before is answered.
void Generation::send_waiting() {
  if (stage_ == Stage::broken) return give_up_waiting("the policy process cannot be started");
  const std::deque<Call> troubled = std::exchange(troubled_, {});
  for (const Call& call : troubled) give_safe_default(call, call.trouble);
  if (stage_ != Stage::ready || !in_flight_.empty()) return;
  base::Millis deadline{0};
  while (!waiting_.empty() && in_flight_.size() < kMostInBatch) {
    Call& next = waiting_.front();
    if (next.single && !in_flight_.empty()) break;
    const bool single = next.single;
    if (next.done || next.flow != 0) {
      process_->send(next.line);
      deadline = std::max(deadline, parts_.deadlines.of(next.event) + parts_.deadlines.grace);
      in_flight_.push_back(std::move(next));
    }
    waiting_.pop_front();
    if (single) break;
  }
  if (in_flight_.empty()) return;
  process_->flush();
  batch_began_ = base::steady_now();
  batch_deadline_ = deadline;
  cpu_at_batch_ = process_->cpu_used();
  deadline_.start(deadline);
}

void Generation::give_safe_default(const Call& call, const std::string& why, const std::string& hook) {
  if (!call.done) return;
  Outcome outcome;
  outcome.answer.trouble = why;
  outcome.answer.hook = hook;
  call.done(std::move(outcome));
}

// A flow that nobody is told of would be under way for ever, and never be started again.
void Generation::lose_flow(std::uint64_t flow, const std::string& why) {
  base::Json step = base::Json::object();
  step.set("flow", flow).set("failed", why);
  observer_.stepped(step.view());
}

void Generation::give_up_waiting(const std::string& why) {
  std::deque<Call> waiting = std::exchange(waiting_, {});
  for (const Call& call : waiting)
    if (call.flow == 0)
      give_safe_default(call, why);
    else
      lose_flow(call.flow, why);
  if (idle_done_) flush_.schedule();
}

// --- answers

void Generation::on_line(const std::string& line) {
  const auto message = base::Json::parse(line);
  if (!message) return on_gone("it sent what is no message: " + message.error().message);
  const base::JsonView view = message->view();
  if (view["id"].exists()) return on_reply(view);
  if (view["flow"].exists()) return on_step(view);
  if (view["log"].exists())
    return observer_.logged(static_cast<std::size_t>(view["hook"].integer(-1)),
                            std::string(view["log"].text()));
  if (view["loaded"].exists()) return on_loaded(view["loaded"]);
  if (view["refused"].exists()) return load_ended(as_error(problems_of(view["refused"])));
  if (view["tests"].exists()) return on_tests(view);
  if (!view["ready"].exists()) return;
  sandbox_.clear();
  sandbox_missing_.clear();
  for (const base::JsonView one : view["ready"]["level"].items()) sandbox_.emplace_back(one.text());
  for (const base::JsonView one : view["ready"]["missing"].items()) sandbox_missing_.emplace_back(one.text());
}

void Generation::note_failures(base::JsonView failed) {
  for (const base::JsonView one : failed.items()) {
    const auto number = static_cast<std::size_t>(one["hook"].integer(-1));
    if (number >= hooks_.size()) continue;
    ++hooks_[number].failures;
    observer_.failed(number, std::string(one["message"].text()));
  }
}

// The call under way that `matches`, out of the queue; after the last one the next batch may go.
std::optional<Generation::Call> Generation::take_answered(const std::function<bool(const Call&)>& matches) {
  const auto found = std::ranges::find_if(in_flight_, matches);
  if (found == in_flight_.end()) return {};
  Call call = std::move(*found);
  in_flight_.erase(found);
  if (in_flight_.empty()) {
    deadline_.stop();
    if (!waiting_.empty() || idle_done_) flush_.schedule();
  }
  return call;
}

void Generation::on_reply(base::JsonView message) {
  const auto id = static_cast<std::uint64_t>(message["id"].integer());
  const auto call = take_answered([id](const Call& one) { return one.id == id; });
  if (!call) return;
  const core::EventInfo& event = core::describe(call->event);
  Outcome outcome;
  const auto number = static_cast<std::size_t>(message["hook"].integer(-1));
  if (number < hooks_.size()) {
    outcome.hook = number;
    outcome.answer.hook = hooks_[number].label();
  }
  const base::JsonView failed = message["failed"];
  note_failures(failed);
  if (event.kind == core::HookKind::decide) {
    const base::JsonView verdict = message["verdict"];
    if (failed.size() > 0) {
      outcome.answer.trouble = failed.at(0)["message"].text();
      const auto culprit = static_cast<std::size_t>(failed.at(0)["hook"].integer(-1));
      if (culprit < hooks_.size()) outcome.answer.hook = hooks_[culprit].label();
    } else if (verdict.is_object()) {
      const auto checked = core::check_verdict(event, verdict);
      if (checked) {
        outcome.answer.given = true;
        outcome.answer.value = base::Json::copy(verdict);
      } else {
        outcome.answer.trouble = checked.error().message;
      }
    }
  } else if (event.kind == core::HookKind::transform && message["value"].exists()) {
    outcome.answer.given = true;
    outcome.answer.value = base::Json::copy(message["value"]);
  }
  outcome.asked = base::Json::copy(message["asked"]);
  if (call->done) call->done(std::move(outcome));
}

void Generation::on_step(base::JsonView message) {
  const auto flow = static_cast<std::uint64_t>(message["flow"].integer());
  if (take_answered([flow](const Call& call) { return call.flow == flow; })) observer_.stepped(message);
}

// --- when it does not answer

void Generation::on_late() {
  // The daemon itself may have stood still: what has arrived meanwhile is no fault of the process.
  process_->receive();
  if (!process_) return;
  const bool awaited = stage_ == Stage::loading || stage_ == Stage::testing || !in_flight_.empty();
  if (!awaited) return;
  if (stage_ == Stage::loading) return on_gone("it did not load its files in time" + file_under_way());
  if (stage_ == Stage::testing) return on_gone("the tests did not end in time" + file_under_way());
  const auto passed = std::chrono::duration_cast<base::Millis>(base::steady_now() - batch_began_);
  if (passed < batch_deadline_) return deadline_.start(batch_deadline_ - passed);
  // Where nobody waits, the grace is for what the process has done with it, not for what the machine gave it.
  const base::Millis used = process_->cpu_used() - cpu_at_batch_;
  if (parts_.deadlines.grace.count() > 0 && used < batch_deadline_ && passed < kLongestGrace)
    return deadline_.start(batch_deadline_ - used);
  blame(false, "it was not answered within " + base::format_duration(batch_deadline_));
}

// ": 10-night.lua did not end", by the shared page.
std::string Generation::file_under_way() const {
  const std::size_t file = process_->page().file.load();
  if (file == 0 || file > source_->files.size()) return {};
  return ": " + source_->files[file - 1].path + " did not end";
}

void Generation::on_gone(const std::string& why) {
  if (stage_ == Stage::ready && process_) process_->receive();
  if (!process_) return;
  if (stage_ == Stage::ready) return blame(true, "the policy process ended: " + why);
  const base::Error error{base::Code::internal, "the policy process ended: " + why, {}};
  if (stage_ == Stage::testing) {
    drop_process();
    enter(Stage::broken);
    restart_.stop();
    return std::exchange(tests_done_, nullptr)(error);
  }
  load_ended(error);
}

void Generation::drop_process() {
  if (!process_) return;
  process_->retire();
  ended_.push_back(std::move(process_));
  bury_.schedule();
}

// The process is late or gone: whoever it was working for gets the safe default, the others are asked again,
// one by one, by a new process.
void Generation::blame(bool crashed, const std::string& why) {
  const core::PolicyPage& page = process_->page();
  const std::size_t hook = page.hook.load(std::memory_order_acquire);
  const std::uint64_t at = page.call.load(std::memory_order_relaxed);
  const base::Millis used = process_->cpu_used() - cpu_at_batch_;
  drop_process();
  ++restarts_;

  std::deque<Call> unanswered = std::exchange(in_flight_, {});
  const auto is_culprit = [at](const Call& call) {
    return (call.flow != 0 ? core::kFlowOnPage | call.flow : call.id) == at;
  };
  auto culprit = std::find_if(unanswered.begin(), unanswered.end(), is_culprit);
  if (culprit == unanswered.end()) culprit = unanswered.begin();
  std::optional<Call> blamed;
  if (culprit != unanswered.end()) {
    blamed = std::move(*culprit);
    unanswered.erase(culprit);
  }
  for (auto call = unanswered.rbegin(); call != unanswered.rend(); ++call) {
    if (call->flow != 0) continue;
    call->single = true;
    waiting_.push_front(std::move(*call));
  }
  std::erase_if(waiting_, [](const Call& call) { return call.flow != 0; });

  // On a machine that gives the process no time nobody can be blamed for being late once; a hook that never
  // ends has used its time after a few kills, and one that is only unlucky never has.
  HookInfo* running = hook > 0 && hook <= hooks_.size() ? &hooks_[hook - 1] : nullptr;
  const std::string label = running != nullptr ? running->label() : std::string();
  if (running != nullptr) running->late_cpu += used;
  if (running != nullptr && (crashed || running->late_cpu * 2 >= batch_deadline_ - parts_.deadlines.grace)) {
    running->late_cpu = base::Millis(0);
    if (++running->strikes >= kStrikes) running->quarantined = true;
    observer_.struck(hook - 1, why);
  } else {
    parts_.log.warn("policy_process_ended", {{"generation", number_}, {"hook", label}, {"why", why}});
  }
  observer_.restarted();
  patience_.start(parts_.deadlines.patience);
  start_process();
  if (blamed) give_safe_default(*blamed, why, label);
}

}  // namespace fairlead::policy
