#include "policy/canary.hpp"

#include <utility>

namespace fairlead::policy {

Canary::Canary(Generation::Parts parts, std::uint64_t number, std::string folder, std::string shipped,
               std::vector<core::DecisionPtr> sample, Done done)
    : parts_(std::move(parts)),
      number_(number),
      sample_(std::move(sample)),
      done_(std::move(done)),
      reading_(loop::submit<Source>(
          parts_.loop, "policy-read",
          [folder = std::move(folder), shipped = std::move(shipped)] { return read_source(folder, shipped); },
          [this](Source source) { on_read(std::move(source)); })),
      // The candidate is handed over outside of its own callbacks.
      finish_(parts_.loop, "canary-finish", [this] { std::exchange(done_, nullptr)(std::move(result_)); }) {}

void Canary::finish(base::Result<Candidate> result) {
  result_ = std::move(result);
  finish_.schedule();
}

void Canary::on_read(Source source) {
  if (!source.problems.empty()) return finish(as_error(source.problems));
  auto shared = std::make_shared<const Source>(std::move(source));
  candidate_.generation = std::make_shared<Generation>(parts_, number_, std::move(shared));
  candidate_.generation->set_observer(
      {[](std::size_t, const std::string&) {},  // its caller sees it as the answer's trouble
       [this](std::size_t hook, const std::string& why) {
         const HookInfo& info = candidate_.generation->hooks()[hook];
         problems_.push_back({info.file, info.line, "\"" + info.name + "\": " + why});
       },
       [](std::size_t, const std::string&) {}, [](base::JsonView) {}, [] {}});
  candidate_.generation->load(
      [this](base::Result<Generation::Loaded> loaded) { on_loaded(std::move(loaded)); });
}

void Canary::on_loaded(base::Result<Generation::Loaded> loaded) {
  if (!loaded) return finish(loaded.error());
  candidate_.loaded = std::move(*loaded);
  if (candidate_.generation->source().tests == 0) return replay();
  candidate_.generation->run_tests(
      [this](base::Result<base::Json> results) { on_tested(std::move(results)); });
}

void Canary::on_tested(base::Result<base::Json> results) {
  if (!results) return finish(results.error());
  for (Problem& problem : problems_of((*results)["problems"])) problems_.push_back(std::move(problem));
  for (const base::JsonView one : (*results)["tests"].items()) {
    if (one["ok"].boolean())
      ++candidate_.tests;
    else
      problems_.push_back(
          {std::string(one["file"].text()), static_cast<int>(one["line"].integer()),
           "test \"" + std::string(one["name"].text()) + "\" fails: " + std::string(one["message"].text())});
  }
  if (!problems_.empty()) return finish(as_error(problems_));
  replay();
}

// Only for crashes and errors: that a new hook decides otherwise is what it was written for.
void Canary::replay() {
  for (const core::DecisionPtr& decision : sample_) {
    const core::EventInfo* event = core::find_event(decision->event);
    if (event == nullptr || event->kind == core::HookKind::observe ||
        !candidate_.generation->asks(event->event))
      continue;
    const auto context = base::Json::parse(decision->context);
    if (!context) continue;
    const base::Json value = base::Json::copy((*context)["value"]);
    const bool transforms = event->kind == core::HookKind::transform;
    if (transforms && value.view().is_null()) continue;
    ++replaying_;
    candidate_.generation->ask(
        event->event, *context, transforms ? &value : nullptr, false,
        [this, decision](Generation::Outcome outcome) { on_replayed(*decision, outcome); });
  }
  candidate_.replayed = replaying_;
  if (replaying_ == 0) fresh();
}

void Canary::on_replayed(const core::Decision& decision, const Generation::Outcome& outcome) {
  if (!outcome.answer.trouble.empty())
    problems_.push_back(
        {decision.event, 0,
         "the decision of " + base::iso8601(decision.time) + ", asked again: " + outcome.answer.trouble});
  if (--replaying_ > 0) return;
  if (!problems_.empty()) return finish(as_error(problems_));
  fresh();
}

void Canary::fresh() {
  candidate_.generation->recycle([this](base::Result<Generation::Loaded> loaded) {
    if (!loaded) return finish(loaded.error());
    finish(std::move(candidate_));
  });
}

}  // namespace fairlead::policy
