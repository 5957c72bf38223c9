#include "app/hook_trial.hpp"

#include <optional>
#include <utility>

#include "exec/spawner.hpp"

namespace fairlead::app {

namespace {

using policy::Generation;
using std::chrono_literals::operator""s;

// A busy machine must not end a process that is not late by its own doing.
constexpr base::Millis kGrace = 5s;
constexpr base::Millis kMayClose = 5s;
constexpr std::size_t kMostAtOnce = 256;

}  // namespace

HookTrial::HookTrial(const core::PolicySettings& settings, std::function<void(const std::string&)> said)
    : said_(std::move(said)),
      source_(std::make_shared<const policy::Source>(
          policy::read_source(settings.folder, policy::shipped_lua()))),
      generation_(std::make_unique<Generation>(
          Generation::Parts{loop_, log_, exec::host_path(), {settings.deadline, settings.deadlines, kGrace}},
          1, source_)) {
  generation_->set_observer(
      {[this](std::size_t hook, const std::string& message) { failures_.push_back({hook, message}); },
       [this](std::size_t hook, const std::string& why) { failures_.push_back({hook, why}); },
       [this](std::size_t, const std::string& text) { said_(text); }, [](base::JsonView) {}, [] {}});
}

HookTrial::~HookTrial() {
  generation_.reset();
  (void)loop_.drain(kMayClose);
}

void HookTrial::run_until(const std::function<bool()>& done) {
  running_ = true;
  while (!done()) loop_.run();
  running_ = false;
}

// Not before run(): a stop() then would end the next run at once.
void HookTrial::wake() {
  if (running_) loop_.stop();
}

base::Result<Generation::Loaded> HookTrial::load() {
  if (!source_->problems.empty()) return policy::as_error(source_->problems);
  std::optional<base::Result<Generation::Loaded>> loaded;
  generation_->load([&](base::Result<Generation::Loaded> result) {
    loaded = std::move(result);
    wake();
  });
  run_until([&] { return loaded.has_value(); });
  return std::move(*loaded);
}

base::Result<base::Json> HookTrial::run_tests() {
  std::optional<base::Result<base::Json>> results;
  generation_->run_tests([&](base::Result<base::Json> result) {
    results = std::move(result);
    wake();
  });
  run_until([&] { return results.has_value(); });
  return std::move(*results);
}

HookTrial::Answer HookTrial::ask(core::HookEvent event, const base::Json& context, const base::Json* value) {
  failures_.clear();
  std::optional<Generation::Outcome> answer;
  generation_->ask(event, context, value, true, [&](Generation::Outcome outcome) {
    answer = std::move(outcome);
    wake();
  });
  run_until([&] { return answer.has_value(); });
  return {std::move(*answer), std::exchange(failures_, {})};
}

std::vector<Generation::Outcome> HookTrial::ask_all(
    const std::vector<std::pair<core::HookEvent, base::Json>>& calls) {
  std::vector<Generation::Outcome> outcomes(calls.size());
  std::size_t asked = 0, answered = 0;
  while (asked < calls.size()) {
    for (std::size_t left = kMostAtOnce; left > 0 && asked < calls.size(); --left, ++asked)
      generation_->ask(calls[asked].first, calls[asked].second, nullptr, false,
                       [&, at = asked](Generation::Outcome outcome) {
                         outcomes[at] = std::move(outcome);
                         ++answered;
                         wake();
                       });
    run_until([&] { return answered == asked; });
  }
  failures_.clear();
  return outcomes;
}

std::vector<std::size_t> HookTrial::hooks_of(core::HookEvent event) const {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < hooks().size(); ++i)
    if (hooks()[i].event == event) numbers.push_back(i);
  return numbers;
}

}  // namespace fairlead::app
