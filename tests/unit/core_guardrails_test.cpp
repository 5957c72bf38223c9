// No verdict moves a guardrail, whatever it says: thousands of random ones are thrown at every event.
#include "core/guardrails.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include "cmocka.hpp"
#include "core/task_verdicts.hpp"

using namespace fairlead;
using base::Millis;
using core::PolicyAnswer;

namespace {

PolicyAnswer given(const std::string& json) {
  auto value = base::Json::parse(json);
  if (!value) fail_msg("%s", json.c_str());
  PolicyAnswer answer;
  answer.given = true;
  answer.value = std::move(*value);
  return answer;
}

core::Notice a_notice() {
  core::Notice notice;
  notice.event = "tunnel_failed";
  notice.subject = "hub";
  notice.severity = core::Severity::high;
  notice.title = "hub has failed";
  notice.text = "auth refused";
  notice.senders = {"pager"};
  return notice;
}

// Makes up JSON that is close enough to a verdict to get past some of the checks, and far enough to fail
// others. The seed is fixed: a failure comes back.
class Inventor {
 public:
  explicit Inventor(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string scalar() {
    static constexpr const char* kScalars[] = {"0",
                                               "-0",
                                               "1",
                                               "-1",
                                               "0.0005",
                                               "-0.0005",
                                               "59.9999",
                                               "86400",
                                               "86401",
                                               "1e9",
                                               "3.16e8",
                                               "1e15",
                                               "-1e15",
                                               "1e18",
                                               "9.3e15",
                                               "-9.3e15",
                                               "1e300",
                                               "-1e300",
                                               "1e308",
                                               "1e-320",
                                               "4503599627370496",
                                               "true",
                                               "false",
                                               "null",
                                               "[]",
                                               "{}",
                                               "\"NaN\"",
                                               "\"inf\"",
                                               "\"5m\"",
                                               "\"\"",
                                               "\"high\"",
                                               "\"low\"",
                                               "\"after\"",
                                               "[1,2]",
                                               "{\"delay\":1}",
                                               "\"tunnel_failed\"",
                                               "\"hub\"",
                                               "\"\\u0001x\"",
                                               "[\"pager\",\"mail\"]"};
    if (below(12) == 0) return "\"" + std::string(below(40'000), 'x') + "\"";
    if (below(3) == 0)
      return std::to_string(static_cast<double>(random_()) / static_cast<double>(1 + random_() % 100'000));
    return kScalars[below(std::size(kScalars))];
  }

  std::string verdict(const core::EventInfo& event) {
    if (below(40) == 0) return scalar();
    std::set<std::string> keys;
    std::string json = "{";
    const auto add = [&](const std::string& key, const std::string& value) {
      if (keys.insert(key).second) json += (json.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
    };
    if (!event.verdicts.empty() && below(10) != 0) {
      const core::VerdictForm& form = event.verdicts[below(event.verdicts.size())];
      add("verdict", "\"" + std::string(form.method) + "\"");
      core::VerdictArgument arguments[core::VerdictForm::kMostArguments];
      const std::size_t count = form.arguments(arguments);
      for (std::size_t i = 0; i < count; ++i) {
        const bool right = below(2) == 0;
        const bool text = arguments[i].type == core::FieldType::text;
        if (below(8) != 0)
          add(std::string(arguments[i].name), !right ? scalar()
                                              : text ? "\"why\""
                                                     : std::to_string(below(400'000'000)));
      }
    }
    static constexpr const char* kOthers[] = {"verdict", "delay",    "time",  "why",  "exec",   "event",
                                              "subject", "severity", "title", "text", "senders"};
    for (std::size_t more = below(event.verdicts.empty() ? 8 : 3); more > 0; --more)
      add(kOthers[below(std::size(kOthers))], scalar());
    return json + "}";
  }

 private:
  std::mt19937_64 random_;
};

void the_reconnect_guardrails_stand(const PolicyAnswer& answer, Millis standard, Millis least) {
  const core::ReconnectPlan plan = core::plan_reconnect(answer, standard, least);
  assert_true(plan.delay >= least);
  assert_true(plan.delay <= std::max(least, core::kMostReconnectDelay));
  assert_true(plan.why.size() <= 64u << 10);
  assert_true(!plan.stop || answer.value["verdict"].text() == "stop");
}

void the_health_guardrails_stand(const PolicyAnswer& answer, Millis held) {
  const core::HealthPlan plan = core::plan_health(answer, held);
  if (!plan.hold) return;
  assert_true(*plan.hold > Millis(0));
  assert_true(held + *plan.hold <= core::kMostHold);
}

void the_notice_guardrails_stand(const PolicyAnswer& answer, const core::Notice& original) {
  const core::NoticePlan plan = core::plan_notice(answer, original);
  if (!plan.notice) return assert_true(answer.value.view().is_null());
  assert_text_equal(plan.notice->event, original.event);
  assert_text_equal(plan.notice->subject, original.subject);
  assert_true(core::parse_severity(core::to_string(plan.notice->severity)).has_value());
  assert_false(plan.notice->title.empty());
  assert_true(plan.notice->title.size() <= 1024);
  assert_true(plan.notice->text.size() <= 8u << 10);
  assert_true(plan.notice->senders.size() <= 32);
  // Nobody is named, so that everybody would be told, only when the hook said so.
  const base::JsonView senders = answer.value["senders"];
  const auto items = senders.items();
  const bool texts =
      (senders.is_array() || senders.is_object()) &&
      std::all_of(items.begin(), items.end(), [](base::JsonView item) { return item.is_string(); }) &&
      (senders.is_array() || items.empty());
  assert_true(texts ? plan.notice->senders.size() == std::min<std::size_t>(items.size(), 32)
                    : plan.notice->senders == original.senders);
  assert_int_equal(plan.refused.find("senders must be a list of texts") == std::string::npos, texts);
}

// What was let through consists of the declared method and its declared arguments, of their types.
void only_what_is_declared_came_through(const core::EventInfo& event, base::JsonView verdict) {
  const auto checked = core::check_verdict(event, verdict);
  if (!checked) return;
  assert_true((*checked)->event == event.event);
  assert_text_equal(verdict["verdict"].text(), (*checked)->method);
  core::VerdictArgument arguments[core::VerdictForm::kMostArguments];
  const std::size_t count = (*checked)->arguments(arguments);
  for (const base::JsonView member : verdict.items()) {
    bool declared = member.key() == "verdict";
    for (std::size_t i = 0; i < count; ++i) {
      if (arguments[i].name != member.key()) continue;
      declared = true;
      if (arguments[i].type == core::FieldType::text)
        assert_true(member.is_string() && member.text().size() <= 1024);
      else
        assert_true(member.is_number() && member.number() >= 0 &&
                    member.number() <= static_cast<double>(core::kMostSeconds));
    }
    if (!declared) fail_msg("let through: %s", verdict.dump().c_str());
  }
}

void the_task_guardrails_stand(const PolicyAnswer& answer) {
  core::TaskRecord task;
  task.envelope.capability = "script";
  task.envelope.max_attempts = 3;
  task.attempt = 2;
  const auto retry = core::plan_retry(answer, task, Millis(60'000));
  if (retry.delay) assert_true(*retry.delay >= Millis(0) && *retry.delay <= core::kMostRetryDelay);
  task.attempt = 3;
  assert_false(core::plan_retry(answer, task, std::nullopt).delay.has_value());
  const auto route = core::plan_route(answer, task.envelope, {"nas"}).route;
  const bool to_worker = route.find("worker:") != std::string::npos;
  assert_true(!to_worker || route == "script@worker:nas");
  assert_int_equal(std::count(route.begin(), route.end(), '@'), 1);
}

}  // namespace

static void random_verdicts_move_no_guardrail(void**) {
  Inventor inventor(20'260'301);
  const core::Notice notice = a_notice();
  std::size_t accepted = 0;
  for (const core::EventInfo& event : core::all_events()) {
    for (int round = 0; round < 3'000; ++round) {
      const PolicyAnswer answer = given(inventor.verdict(event));
      only_what_is_declared_came_through(event, answer.value.view());
      const bool fine = core::check_verdict(event, answer.value.view()).ok();
      accepted += fine ? 1 : 0;
      const Millis least(1 + static_cast<long>(inventor.below(100'000)));
      const Millis standard = least + Millis(static_cast<long>(inventor.below(80'000'000)));
      // Also those that the check would have stopped: the guardrails do not lean on it.
      the_reconnect_guardrails_stand(answer, standard, least);
      the_health_guardrails_stand(answer, Millis(static_cast<long>(inventor.below(4'000'000))));
      the_notice_guardrails_stand(answer, notice);
      the_task_guardrails_stand(answer);
    }
  }
  assert_true(accepted > 1'000);  // or the test would show little
}

static void without_a_verdict_the_standard_holds(void**) {
  const PolicyAnswer none;
  const auto plan = core::plan_reconnect(none, Millis(7'000), Millis(1'000));
  assert_int_equal(plan.delay.count(), 7'000);
  assert_false(plan.stop);
  assert_false(core::plan_health(none, Millis(0)).hold.has_value());
  const auto notice = core::plan_notice(none, a_notice());
  assert_text_equal(notice.notice->title, "hub has failed");
  assert_text_equal(notice.refused, "");
}

static void a_delay_is_followed_within_its_bounds(void**) {
  const struct {
    const char* delay;
    long planned;
    bool refused;
  } rows[] = {{"5", 5'000, false},
              {"1", 1'000, false},
              {"0.9", 1'000, true},
              {"0", 1'000, true},
              {"86400", 86'400'000, false},
              {"86401", 86'400'000, true},
              {"300000000", 86'400'000, true},
              {"1.5", 1'500, false}};
  for (const auto& row : rows) {
    const auto plan = core::plan_reconnect(
        given(R"({"verdict":"after","delay":)" + std::string(row.delay) + "}"), Millis(2'000), Millis(1'000));
    assert_int_equal(plan.delay.count(), row.planned);
    assert_int_equal(!plan.refused.empty(), row.refused);
  }
}

static void one_failure_is_held_for_an_hour_in_all(void**) {
  const auto hold = [](long seconds, long held) {
    return core::plan_health(
        given(R"({"verdict":"hold","time":)" + std::to_string(seconds) + R"(,"why":"restart"})"),
        Millis(held));
  };
  assert_int_equal(hold(60, 0).hold->count(), 60'000);
  assert_text_equal(hold(60, 0).why, "restart");
  assert_int_equal(hold(7'200, 0).hold->count(), 3'600'000);
  assert_false(hold(7'200, 0).refused.empty());
  assert_int_equal(hold(60, 3'570'000).hold->count(), 30'000);
  assert_false(hold(60, 3'600'000).hold.has_value());
  assert_false(hold(60, 9'000'000).hold.has_value());
}

static void senders_that_are_no_list_widen_nothing(void**) {
  const auto plan = [](const std::string& senders) {
    return core::plan_notice(
        given(R"({"event":"tunnel_failed","subject":"hub","severity":"high","title":"t","text":"t")" +
              senders + "}"),
        a_notice());
  };
  for (const char* wrong : {"", R"(,"senders":null)", R"(,"senders":"mail")", R"(,"senders":["mail",5])",
                            R"(,"senders":[[]])", R"(,"senders":{"mail":"mail"})", R"(,"senders":true)"}) {
    const auto refused = plan(wrong);
    assert_text_equal(refused.refused, "senders must be a list of texts");
    assert_int_equal(refused.notice->senders.size(), 1);
    assert_text_equal(refused.notice->senders[0], "pager");
  }
  // An empty table of Lua comes as either.
  for (const char* none : {R"(,"senders":[])", R"(,"senders":{})"}) {
    assert_text_equal(plan(none).refused, "");
    assert_true(plan(none).notice->senders.empty());
  }
}

static void a_notice_may_change_its_words_and_not_its_subject(void**) {
  const auto changed = core::plan_notice(
      given(
          R"({"event":"tunnel_failed","subject":"hub","severity":"info","title":"x","text":"y","senders":["a"]})"),
      a_notice());
  assert_text_equal(changed.refused, "");
  assert_text_equal(changed.notice->title, "x");
  assert_int_equal(static_cast<int>(changed.notice->severity), static_cast<int>(core::Severity::info));
  assert_int_equal(changed.notice->senders.size(), 1);
  assert_text_equal(changed.notice->senders[0], "a");
  const auto wider =
      core::plan_notice(given(R"({"event":"e","subject":"s","severity":"worst"})"), a_notice());
  assert_text_equal(wider.notice->subject, "hub");
  assert_int_equal(static_cast<int>(wider.notice->severity), static_cast<int>(core::Severity::high));
  assert_text_equal(wider.notice->title, "hub has failed");
  assert_false(wider.refused.empty());
  assert_false(core::plan_notice(given("null"), a_notice()).notice.has_value());
}

static void what_cannot_be_asked_admits_nothing(void**) {
  PolicyAnswer answer;
  assert_true(core::plan_admit(answer).accept);  // nobody had an opinion
  answer.trouble = "the hooks have crashed";
  assert_false(core::plan_admit(answer).accept);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(random_verdicts_move_no_guardrail),
      cmocka_unit_test(what_cannot_be_asked_admits_nothing),
      cmocka_unit_test(without_a_verdict_the_standard_holds),
      cmocka_unit_test(a_delay_is_followed_within_its_bounds),
      cmocka_unit_test(one_failure_is_held_for_an_hour_in_all),
      cmocka_unit_test(senders_that_are_no_list_widen_nothing),
      cmocka_unit_test(a_notice_may_change_its_words_and_not_its_subject),
  };
  return cmocka_run_group_tests_name("core_guardrails", tests, nullptr, nullptr);
}
