// `fairlead policy eval` and `explain`: one call, its ctx from stdin.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "app/policy_commands.hpp"
#include "base/text.hpp"
#include "cli/report.hpp"
#include "core/context_check.hpp"
#include "core/guardrails.hpp"
#include "policy/hook_clock.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using base::JsonView;
using cli::Context;
using cli::Exit;

constexpr std::size_t kMostInput = 4u << 20;

// --- what stands on stdin

base::Result<std::string> read_input() {
  std::string text;
  char buffer[65536];
  while (text.size() <= kMostInput) {
    const auto count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::os_error("cannot read the ctx from stdin", errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return base::Error{base::Code::too_large, "the ctx on stdin is larger than 4 MiB", {}};
}

struct Input {
  Json context;
  std::optional<Json> value;  // of a transform
};

base::Error bad_input(const core::EventInfo& event, const std::string& what) {
  return {base::Code::bad_request,
          what + "; `fairlead policy new " + std::string(event.name) + "` lists what ctx holds",
          {}};
}

// The time is now, but for what the ctx says of it.
void fill_clock(Json& context) {
  Json clock = policy::hook_clock(base::wall_now());
  for (const JsonView member : context["clock"].items()) clock.set(member.key(), Json::copy(member));
  context.set("clock", std::move(clock));
}

// A transform's ctx has the member "value" as well: what there is to transform.
base::Result<Input> parse_input(const core::EventInfo& event, const std::string& text) {
  auto parsed = Json::parse(text);
  if (!parsed)
    return bad_input(event, text.empty() ? "stdin is empty: the ctx is wanted there, a JSON object"
                                         : "the ctx on stdin is no JSON: " + parsed.error().message);
  Input input{Json::object(), {}};
  if (!parsed->view().is_object()) return bad_input(event, "the ctx on stdin must be a JSON object");
  const bool transform = event.kind == core::HookKind::transform;
  for (const JsonView member : parsed->view().items()) {
    if (transform && member.key() == "value")
      input.value = Json::copy(member);
    else
      input.context.set(member.key(), Json::copy(member));
  }
  if (transform && !input.value)
    return bad_input(event, "\"value\" is missing: what the hooks shall transform, beside the ctx's fields");
  const auto problems = core::check_context(event, input.context.view());
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "; ") + problem;
  if (!all.empty()) return bad_input(event, all);
  fill_clock(input.context);
  return input;
}

// --- what becomes of the answer

struct Effect {
  std::string done;     // "the tunnel tries again in 5m"; empty: nothing more to be said
  std::string refused;  // what a guardrail did not follow
};

base::Millis millis(JsonView seconds) {
  return base::Millis(static_cast<std::int64_t>(std::llround(std::min(seconds.number(), 1e9) * 1000)));
}

// The notice that the hooks were asked about; nothing where the value on stdin is not all of one.
std::optional<core::Notice> notice_of(JsonView value) {
  const auto severity = core::parse_severity(value["severity"].text());
  for (const char* text : {"event", "subject", "title", "text"})
    if (!value[text].is_string()) return {};
  if (!severity || !value["senders"].is_array()) return {};
  core::Notice notice;
  notice.event = value["event"].text();
  notice.subject = value["subject"].text();
  notice.severity = *severity;
  notice.title = value["title"].text();
  notice.text = value["text"].text();
  for (const JsonView sender : value["senders"].items()) notice.senders.emplace_back(sender.text());
  return notice;
}

Effect effect_on_notice(const core::PolicyAnswer& answer, JsonView value) {
  const auto original = notice_of(value);
  if (!original)
    return {
        "give event, subject, severity, title, text and senders in the value to see what the guardrails "
        "make of it",
        {}};
  const auto plan = core::plan_notice(answer, *original);
  if (!plan.notice) return {"nothing is sent", plan.refused};
  std::string to;
  for (const std::string& sender : plan.notice->senders) to += (to.empty() ? "" : ", ") + sender;
  return {"\"" + plan.notice->title + "\" is sent with severity " +
              std::string(core::to_string(plan.notice->severity)) + " to " +
              (to.empty() ? "the senders whose rules match" : to),
          plan.refused};
}

Effect effect_of(core::HookEvent event, const core::PolicyAnswer& answer, const Input& input) {
  if (event == core::HookEvent::notification)
    return effect_on_notice(answer, input.value ? input.value->view() : JsonView{});
  const JsonView context = input.context.view();
  if (event == core::HookEvent::reconnect) {
    const JsonView standard = context["default_delay"], least = context["least_delay"];
    if (!standard.is_number() || !least.is_number())
      return {"give default_delay and least_delay in the ctx to see what the guardrails make of it", {}};
    const auto plan = core::plan_reconnect(answer, millis(standard), millis(least));
    return {plan.stop ? "the tunnel gives up: " + plan.why
                      : "the tunnel tries again in " + base::format_duration(plan.delay),
            plan.refused};
  }
  if (event == core::HookEvent::health) {
    const auto plan = core::plan_health(answer, millis(context["held_for"]));
    return {plan.hold ? "the tunnel stays connected for " + base::format_duration(*plan.hold)
                      : std::string("the tunnel is degraded"),
            plan.refused};
  }
  return {};
}

Json verdict_json(const HookTrial::Answer& answer) {
  return answer.outcome.answer.given ? Json::copy(answer.outcome.answer.value.view()) : Json();
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

// --- the commands

using Show = Exit (*)(Context& context, const core::EventInfo& event, HookTrial& trial, const Input& input,
                      const HookTrial::Answer& answer, bool json);

Exit ask(Context& context, const GlobalOptions& globals, const AskRequest& request, Show show) {
  const core::EventInfo* event = event_named(context, request.event, request.json);
  if (event == nullptr) return Exit::failure;
  if (event->kind == core::HookKind::flow)
    return cli::fail(context,
                     {base::Code::bad_request,
                      "a flow gives no verdict: try it in a test, with kit.run(\"name\", answers)",
                      {}},
                     request.json);
  return with_policy_place(
      context, globals, request.folder, request.json, false, [&](const PolicyPlace& place) {
        const auto text = read_input();
        if (!text) return cli::fail(context, text.error(), request.json);
        const auto input = parse_input(*event, *text);
        if (!input) return cli::fail(context, input.error(), request.json);
        return with_trial(
            context, place, request.json, [&](HookTrial& trial, const policy::Generation::Loaded&) {
              const auto answer =
                  trial.ask(event->event, input->context, input->value ? &*input->value : nullptr);
              return show(context, *event, trial, *input, answer, request.json);
            });
      });
}

Exit show_verdict(Context& context, const core::EventInfo& event, HookTrial&, const Input&,
                  const HookTrial::Answer& answer, bool json) {
  const auto& given = answer.outcome.answer;
  const bool decides = event.kind == core::HookKind::decide;
  auto body = Json::object();
  body.set("event", event.name).set(decides ? "verdict" : "value", verdict_json(answer));
  body.set("hook", text_or_null(given.hook));
  body.set("safe_default", given.given || event.safe_default.empty() ? Json() : Json(event.safe_default));
  body.set("trouble", text_or_null(given.trouble));
  auto failed = Json::array();
  for (const auto& failure : answer.failures) failed.push(failure.message);
  const bool fine = answer.failures.empty() && given.trouble.empty();
  body.set("failed", std::move(failed));
  cli::print_json(context, body.view(), json);
  for (const auto& failure : answer.failures) cli::complain(context, failure.message);
  if (answer.failures.empty() && !given.trouble.empty()) cli::complain(context, given.trouble);
  return fine ? Exit::ok : Exit::failure;
}

// {"hook", "said", "message"?}; said: "verdict", "no opinion", "failed", "not asked".
struct Saying {
  std::string hook;
  std::string said;
  Json verdict;
  std::string message;
};

std::vector<Saying> sayings(const core::EventInfo& event, const HookTrial& trial,
                            const HookTrial::Answer& answer) {
  std::vector<Saying> all;
  for (const std::size_t number : trial.hooks_of(event.event)) {
    Saying saying{trial.hooks()[number].label(), "not asked", {}, {}};
    for (const JsonView one : answer.outcome.asked.view().items()) {
      if (static_cast<std::size_t>(one["hook"].integer(-1)) != number) continue;
      const bool opinion = !one["said"].is_null() || event.kind == core::HookKind::transform;
      saying.said = event.kind == core::HookKind::observe ? "told" : opinion ? "verdict" : "no opinion";
      if (opinion) saying.verdict = Json::copy(one["said"]);
    }
    for (const auto& failure : answer.failures)
      if (failure.hook == number) {
        saying.said = "failed";
        saying.message = failure.message;
      }
    all.push_back(std::move(saying));
  }
  return all;
}

std::string outcome_text(const core::EventInfo& event, const HookTrial::Answer& answer) {
  const auto& given = answer.outcome.answer;
  const std::string safe = event.safe_default.empty() ? "" : ": " + std::string(event.safe_default);
  if (event.kind == core::HookKind::observe) return "nothing is answered";
  if (!given.trouble.empty())
    return "the safe default" + safe +
           (answer.failures.empty() ? ", because " + given.trouble : ", because a hook failed");
  if (!given.given) return "no hook has an opinion" + safe;
  return given.value.dump() + (given.hook.empty() ? "" : " by " + given.hook);
}

void print_explanation(Context& context, const core::EventInfo& event, const std::vector<Saying>& all,
                       const HookTrial::Answer& answer, const Effect& effect) {
  context.out << event.name << ": " << event.asks << '\n';
  if (!event.wired) context.out << "  (this fairlead does not ask it yet)\n";
  if (all.empty()) context.out << "  no hook is registered for it\n";
  for (const Saying& saying : all) {
    context.out << "  " << base::printable(saying.hook) << ": ";
    if (saying.said == "verdict")
      context.out << saying.verdict.dump();
    else
      context.out << saying.said;
    if (!saying.message.empty()) context.out << ": " << base::printable(saying.message, 4096);
    context.out << '\n';
  }
  context.out << "answer: " << base::printable(outcome_text(event, answer), 4096) << '\n';
  if (!effect.refused.empty()) context.out << "guardrail: " << effect.refused << '\n';
  if (!effect.done.empty()) context.out << "so: " << base::printable(effect.done, 4096) << '\n';
  context.out.flush();
}

Exit show_explanation(Context& context, const core::EventInfo& event, HookTrial& trial, const Input& input,
                      const HookTrial::Answer& answer, bool json) {
  const auto all = sayings(event, trial, answer);
  const Effect effect = effect_of(event.event, answer.outcome.answer, input);
  const bool fine = answer.failures.empty() && answer.outcome.answer.trouble.empty();
  if (!json) {
    print_explanation(context, event, all, answer, effect);
    return fine ? Exit::ok : Exit::failure;
  }
  auto asked = Json::array();
  for (const Saying& saying : all) {
    auto one = Json::object();
    one.set("hook", saying.hook).set("said", saying.said).set("verdict", Json::copy(saying.verdict.view()));
    one.set("message", text_or_null(saying.message));
    asked.push(std::move(one));
  }
  const auto& given = answer.outcome.answer;
  auto body = Json::object();
  body.set("schema", "fairlead.policy_explain/1").set("event", event.name).set("wired", event.wired);
  body.set("asked", std::move(asked))
      .set("verdict", verdict_json(answer))
      .set("hook", text_or_null(given.hook));
  body.set("safe_default", given.given || event.safe_default.empty() ? Json() : Json(event.safe_default));
  body.set("trouble", text_or_null(given.trouble)).set("guardrail", text_or_null(effect.refused));
  body.set("outcome", text_or_null(effect.done));
  cli::print_json(context, body.view());
  return fine ? Exit::ok : Exit::failure;
}

}  // namespace

Exit evaluate(Context& context, const GlobalOptions& globals, const AskRequest& request) {
  return ask(context, globals, request, show_verdict);
}

Exit explain(Context& context, const GlobalOptions& globals, const AskRequest& request) {
  return ask(context, globals, request, show_explanation);
}

}  // namespace fairlead::app
