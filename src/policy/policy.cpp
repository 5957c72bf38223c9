#include "policy/policy.hpp"

#include <algorithm>
#include <utility>

#include "policy/hook_clock.hpp"

namespace fairlead::policy {

namespace {

using std::chrono_literals::operator""s;

constexpr auto kFlowsMayEnd = 30s;      // of a generation that leaves
constexpr std::size_t kReplayEach = 8;  // recent decisions of each event that a canary is asked again

}  // namespace

// --- calls

class Policy::Call final : public core::PolicyCall {
 public:
  Call(std::weak_ptr<Generation> generation, std::uint64_t id)
      : generation_(std::move(generation)), id_(id) {}
  ~Call() override {
    if (const auto generation = generation_.lock()) generation->withdraw(id_);
  }

 private:
  std::weak_ptr<Generation> generation_;
  std::uint64_t id_;
};

bool Policy::asks(core::HookEvent event) const {
  return current_ && current_->generation->asks(event);
}

// The clock and the seed are part of the context, so that a replay repeats both.
void Policy::complete(base::Json& context) {
  context.set("clock", hook_clock(base::wall_now()));
  context.set("seed", random_.between(1, 1'000'000'000));
}

std::unique_ptr<core::PolicyCall> Policy::ask(core::HookEvent event, base::Json context,
                                              const base::Json* value, OnAnswer done) {
  complete(context);
  const std::shared_ptr<Generation> generation = current_->generation;
  auto kept =
      std::make_shared<Asked>(Asked{event, std::move(context), generation->number(), base::steady_now()});
  const std::uint64_t id =
      generation->ask(event, kept->context, value, false,
                      [this, event, kept, done = std::move(done)](Generation::Outcome outcome) {
                        core::EventCount& count = counts_[static_cast<std::size_t>(event)];
                        ++count.asked;
                        if (outcome.answer.given) ++count.given;
                        if (!outcome.answer.trouble.empty()) ++count.troubled;
                        record(*kept, outcome);
                        done(std::move(outcome.answer));
                      });
  if (value != nullptr)
    kept->context.set("value", base::Json::copy(value->view()));  // of the journal's context
  return std::make_unique<Call>(generation, id);
}

std::unique_ptr<core::PolicyCall> Policy::decide(core::HookEvent event, base::Json context, OnAnswer done) {
  return ask(event, std::move(context), nullptr, std::move(done));
}

std::unique_ptr<core::PolicyCall> Policy::transform(core::HookEvent event, base::Json value,
                                                    base::Json context, OnAnswer done) {
  return ask(event, std::move(context), &value, std::move(done));
}

void Policy::observe(core::HookEvent event, base::Json context) {
  if (!asks(event)) return;
  complete(context);
  current_->generation->ask(event, context, nullptr, false, [this, event](const Generation::Outcome&) {
    ++counts_[static_cast<std::size_t>(event)].asked;
  });
}

void Policy::refused(core::HookEvent event, const core::PolicyAnswer& answer, const std::string& what) {
  ++counts_[static_cast<std::size_t>(event)].refused;
  lines_.warn("verdict_refused", {{"asked", core::to_string(event)}, {"hook", answer.hook}, {"why", what}});
}

void Policy::record(const Asked& asked, const Generation::Outcome& outcome) {
  // What `redact` was asked about is what must not be stored.
  if (ports_.journal == nullptr || asked.event == core::HookEvent::redact) return;
  core::Decision decision;
  decision.event = core::to_string(asked.event);
  decision.kind = core::to_string(core::describe(asked.event).kind);
  decision.context = asked.context.dump();
  decision.verdict = outcome.answer.trouble.empty() ? outcome.answer.value.dump() : core::kSafeDefault;
  decision.why = outcome.answer.trouble;
  decision.hook = outcome.answer.hook;
  decision.generation = asked.generation;
  decision.duration = std::chrono::duration_cast<std::chrono::microseconds>(base::steady_now() - asked.at);
  ports_.journal->record(std::move(decision));
}

// --- hooks that go wrong

void Policy::on_failed(const Live& live, std::size_t hook, const std::string& message) {
  const HookInfo& info = live.generation->hooks()[hook];
  lines_.warn("hook_failed", {{"hook", info.name},
                              {"asked", core::to_string(info.event)},
                              {"generation", live.generation->number()},
                              {"error", message}});
}

void Policy::on_logged(const Live& live, std::size_t hook, const std::string& text) {
  const auto& hooks = live.generation->hooks();
  if (hook >= hooks.size()) return lines_.info("hook_log", {{"text", text}});  // the top level of a file
  lines_.info("hook_log", {{"hook", hooks[hook].name}, {"text", text}});
}

void Policy::on_struck(const Live& live, std::size_t hook, const std::string& why) {
  const HookInfo& info = live.generation->hooks()[hook];
  const std::string strikes = std::to_string(info.strikes) + " of " + std::to_string(kStrikes);
  ports_.log.warn("hook_struck", {{"hook", info.name},
                                  {"asked", core::to_string(info.event)},
                                  {"strike", strikes},
                                  {"at", info.file + ":" + std::to_string(info.line)},
                                  {"why", why}});
  if (!info.quarantined || info.strikes != kStrikes) return;
  const std::string detail = info.label() + ": " + why;
  ports_.log.error("hook_quarantined", {{"hook", info.name},
                                        {"at", info.file + ":" + std::to_string(info.line)},
                                        {"hint", "mend it and run `fairlead reload`"}});
  ports_.audit.append({{}, "fairlead", "automation", "hook_quarantined", detail});
  base::Json body = base::Json::object();
  body.set("hook", info.name)
      .set("event", core::to_string(info.event))
      .set("file", info.file)
      .set("line", info.line);
  ports_.events.publish("hook_quarantined", body);
  if (ports_.notify != nullptr)
    ports_.notify->notify(
        {"hook_quarantined",
         info.name,
         core::Severity::high,
         "hook " + info.name + " is in quarantine",
         detail + "\nUntil a reload its event answers the safe default: mend it and run `fairlead reload`.",
         base::wall_now(),
         {}});
}

// --- generations

Policy::Policy(Ports ports, std::string host, std::string shipped)
    : ports_(ports),
      host_(std::move(host)),
      shipped_(std::move(shipped)),
      random_(base::random_seed()),
      lines_(ports_.loop, ports_.log),
      bury_(ports_.loop, "policy-leaving",
            [this] { std::erase_if(leaving_, [](const auto& live) { return live->over; }); }) {
  for (const core::EventInfo& event : core::all_events()) counts_.push_back({event.event});
}

Policy::~Policy() = default;

std::unique_ptr<Policy::Live> Policy::make_live(Canary::Candidate candidate, core::PolicySettings settings) {
  auto live = std::make_unique<Live>();
  live->generation = std::move(candidate.generation);
  live->loaded = std::move(candidate.loaded);
  live->settings = std::move(settings);
  live->flows = std::make_unique<FlowRunner>(ports_.loop, lines_, *live->generation, ports_.effects,
                                             live->settings.allow);
  live->generation->set_observer(
      {[this, raw = live.get()](std::size_t hook, const std::string& message) {
         on_failed(*raw, hook, message);
       },
       [this, raw = live.get()](std::size_t hook, const std::string& why) { on_struck(*raw, hook, why); },
       [this, raw = live.get()](std::size_t hook, const std::string& text) { on_logged(*raw, hook, text); },
       [raw = live.get()](base::JsonView step) { raw->flows->on_step(step); },
       [raw = live.get()] { raw->flows->on_restarted(); }});
  return live;
}

void Policy::switch_to(std::unique_ptr<Live> next) {
  for (const Problem& warning : next->loaded.warnings)
    ports_.log.warn("policy_warning", {{"detail", to_string(warning)}});
  next->since = base::wall_now();
  last_error_.clear();
  if (current_) retire(std::move(current_));
  current_ = std::move(next);
  current_->flows->begin();
  ports_.log.info("policy_loaded", {{"generation", current_->generation->number()},
                                    {"folder", current_->settings.folder},
                                    {"hooks", current_->generation->hooks().size()}});
}

void Policy::retire(std::unique_ptr<Live> old) {
  Live* raw = old.get();
  leaving_.push_back(std::move(old));
  raw->flows->retire(kFlowsMayEnd, [this, raw](std::size_t given_up) {
    if (given_up > 0)
      ports_.log.warn("flows_given_up", {{"generation", raw->generation->number()}, {"flows", given_up}});
    // What it was asked before the switch is answered by it, or by its deadlines.
    raw->generation->when_idle([this, raw] {
      raw->over = true;
      bury_.schedule();
    });
  });
}

std::unique_ptr<Canary> Policy::make_canary(const core::PolicySettings& settings,
                                            std::vector<core::DecisionPtr> sample, Canary::Done done) {
  Generation::Parts parts{ports_.loop, ports_.log, host_, {settings.deadline, settings.deadlines}};
  return std::make_unique<Canary>(std::move(parts), ++numbers_, settings.folder, shipped_, std::move(sample),
                                  std::move(done));
}

void Policy::begin(const core::ConfigPtr& config, std::function<void(base::Result<>)> done) {
  const core::PolicySettings& settings = config->policy;
  first_ = make_canary(settings, {},
                       [this, settings, done = std::move(done)](base::Result<Canary::Candidate> candidate) {
                         const auto keep = std::move(first_);
                         if (!candidate) return done(candidate.error());
                         switch_to(make_live(std::move(*candidate), settings));
                         done(base::success());
                       });
}

void Policy::stop() {
  first_.reset();
  leaving_.clear();
  current_.reset();
  lines_.end();
  ports_.effects.end();
}

class Policy::SwitchTicket final : public core::Ticket {
 public:
  SwitchTicket(Policy& policy, std::unique_ptr<Live> next) : policy_(policy), next_(std::move(next)) {}
  void commit() noexcept override { policy_.switch_to(std::move(next_)); }

 private:
  Policy& policy_;
  std::unique_ptr<Live> next_;
};

class Policy::Trial final : public core::Preparing {
 public:
  std::unique_ptr<Canary> canary;
};

std::unique_ptr<core::Preparing> Policy::prepare(const core::ConfigPtr& next, Done done) {
  const core::PolicySettings& settings = next->policy;
  auto sample =
      ports_.journal != nullptr ? ports_.journal->recent(kReplayEach) : std::vector<core::DecisionPtr>{};
  auto trial = std::make_unique<Trial>();
  trial->canary =
      make_canary(settings, std::move(sample),
                  [this, settings, done = std::move(done)](base::Result<Canary::Candidate> candidate) {
                    if (!candidate) {
                      last_error_ = candidate.error().text();
                      return done(candidate.error());
                    }
                    std::unique_ptr<core::Ticket> ticket =
                        std::make_unique<SwitchTicket>(*this, make_live(std::move(*candidate), settings));
                    done(std::move(ticket));
                  });
  return trial;
}

core::PolicyStatus Policy::status() const {
  core::PolicyStatus status;
  status.last_error = last_error_;
  if (ports_.journal != nullptr) status.journal = ports_.journal->status();
  for (const core::EventCount& count : counts_)
    if (count.asked > 0) status.counts.push_back(count);
  if (!current_) return status;
  const Generation& generation = *current_->generation;
  status.generation = generation.number();
  status.folder = current_->settings.folder;
  status.loaded_at = current_->since;
  for (const HookInfo& hook : generation.hooks())
    status.hooks.push_back({hook.event, hook.name, hook.file, hook.line, hook.standard, hook.every,
                            hook.strikes, hook.quarantined, hook.failures});
  status.switched_off = current_->loaded.switched_off;
  status.sandbox = generation.sandbox();
  status.sandbox_missing = generation.sandbox_missing();
  status.pid = generation.pid();
  status.restarts = generation.restarts();
  status.flows = current_->flows->under_way();
  return status;
}

}  // namespace fairlead::policy
