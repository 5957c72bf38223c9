#include "core/guardrails.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace fairlead::core {

namespace {

constexpr std::size_t kMostTitle = 256;
constexpr std::size_t kMostText = 8u << 10;
constexpr std::size_t kMostSenders = 32;

base::Millis millis(base::JsonView seconds) {
  return base::Millis(static_cast<std::int64_t>(std::llround(seconds.number() * 1000)));
}

std::string_view method(const PolicyAnswer& answer) {
  return answer.given ? answer.value["verdict"].text() : std::string_view{};
}

// An empty Lua table may have become either.
bool names_senders(base::JsonView value) {
  const auto items = value.items();
  return (value.is_array() || (value.is_object() && items.empty())) &&
         std::all_of(items.begin(), items.end(), [](base::JsonView item) { return item.is_string(); });
}

std::string text_of(base::JsonView value) {
  return base::printable(value.text(), kMostText);
}

}  // namespace

ReconnectPlan plan_reconnect(const PolicyAnswer& answer, base::Millis standard, base::Millis least) {
  ReconnectPlan plan;
  plan.delay = standard;
  if (method(answer) == "stop") {
    plan.stop = true;
    plan.why = text_of(answer.value["why"]);
  } else if (method(answer) == "after") {
    const base::Millis wanted = millis(answer.value["delay"]);
    plan.delay = std::clamp(wanted, least, std::max(least, kMostReconnectDelay));
    if (plan.delay != wanted)
      plan.refused = "after(" + base::format_duration(wanted) + ") is outside of " +
                     base::format_duration(least) + " to " + base::format_duration(kMostReconnectDelay);
  }
  return plan;
}

HealthPlan plan_health(const PolicyAnswer& answer, base::Millis held) {
  HealthPlan plan;
  plan.why = text_of(answer.given ? answer.value["why"] : base::JsonView{});
  if (method(answer) != "hold") return plan;
  const base::Millis wanted = millis(answer.value["time"]);
  const base::Millis left = kMostHold - std::min(held, kMostHold);
  const base::Millis granted = std::min(wanted, left);
  if (granted < wanted)
    plan.refused = "hold(" + base::format_duration(wanted) + "): one failure is held for " +
                   base::format_duration(kMostHold) + " in all, " + base::format_duration(left) + " are left";
  if (granted > base::Millis(0)) plan.hold = granted;
  return plan;
}

base::Json notice_json(const Notice& notice) {
  base::Json senders = base::Json::array();
  for (const std::string& sender : notice.senders) senders.push(sender);
  base::Json json = base::Json::object();
  json.set("event", notice.event).set("subject", notice.subject).set("severity", to_string(notice.severity));
  json.set("title", notice.title).set("text", notice.text).set("time", base::iso8601(notice.at));
  json.set("senders", std::move(senders));
  return json;
}

NoticePlan plan_notice(const PolicyAnswer& answer, const Notice& original) {
  NoticePlan plan;
  plan.notice = original;
  if (!answer.given) return plan;
  const base::JsonView value = answer.value.view();
  if (value.is_null()) {
    plan.notice.reset();
    return plan;
  }
  Notice& notice = *plan.notice;
  const auto refuse = [&](const char* what) {
    plan.refused += (plan.refused.empty() ? "" : "; ") + std::string(what);
  };
  if (value["event"].text() != original.event || value["subject"].text() != original.subject)
    refuse("event and subject cannot be changed");
  if (value["title"].is_string() && !value["title"].text().empty())
    notice.title = base::printable(value["title"].text(), kMostTitle);
  else
    refuse("the title must be a text");
  if (value["text"].is_string())
    notice.text = std::string(value["text"].text().substr(0, kMostText));
  else
    refuse("the text must be a text");
  if (const auto severity = parse_severity(value["severity"].text()))
    notice.severity = *severity;
  else
    refuse("severity must be info, low, high or critical");
  // No sender named means all whose rules match: what is no list must not come to that.
  const base::JsonView senders = value["senders"];
  if (!names_senders(senders)) {
    refuse("senders must be a list of texts");
    return plan;
  }
  notice.senders.clear();
  for (const base::JsonView sender : senders.items())
    if (notice.senders.size() < kMostSenders) notice.senders.emplace_back(sender.text());
  return plan;
}

}  // namespace fairlead::core
