// A generation with the real policy process behind it: what becomes of calls when a hook is late or the
// process dies.
#include "policy/generation.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmocka.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

using core::HookEvent;
using Outcome = policy::Generation::Outcome;

// Answers with the host's name; for the host "stuck" it never comes back from one call of string.find, which
// no count hook can end.
constexpr const char* kHooks = R"(api(1)
on.reconnect("echo", function(ctx)
  if ctx.tunnel.host == "stuck" then
    string.find(string.rep("a", 60), string.rep("a?", 60) .. string.rep("a", 60) .. "b")
  end
  return ctx.stop(ctx.tunnel.host)
end)
on.health("calm", function(ctx) return ctx.hold("1m", "calm") end)
every("1h", "tick", function(flow) flow.sleep("1s") end)
)";

struct House {
  loop::Loop loop;
  base::Log log;
  std::optional<policy::Generation> generation;
  std::vector<std::string> struck;
  int restarted = 0;
  std::vector<std::string> steps;
  std::map<std::string, Outcome> outcomes;  // by the host that was asked about

  // Whoever waits for a deadline to pass gives one; else a busy machine may give the process nothing for
  // long.
  explicit House(base::Millis deadline = 20s, const std::string& hooks = kHooks, base::Millis grace = 0ms,
                 base::Millis patience = kGenerous) {
    auto source = std::make_shared<policy::Source>();
    source->files.push_back({"10.lua", "hook", hooks});
    policy::Deadlines deadlines;
    deadlines.standard = 20s;
    deadlines.by_event.assign(core::all_events().size(), base::Millis(0));
    for (const auto event : {HookEvent::reconnect, HookEvent::every})
      deadlines.by_event[static_cast<std::size_t>(event)] = deadline;
    deadlines.grace = grace;
    deadlines.patience = patience;
    const char* host = std::getenv("FAIRLEAD_TEST_HOST");  // set by meson
    assert_non_null(host);
    generation.emplace(policy::Generation::Parts{loop, log, host, deadlines}, 1, std::move(source));
    generation->set_observer({[](std::size_t, const std::string&) {},
                              [this](std::size_t, const std::string& why) { struck.push_back(why); },
                              [](std::size_t, const std::string&) {},
                              [this](base::JsonView step) { steps.push_back(step.dump()); },
                              [this] { ++restarted; }});
  }
  ~House() {
    generation.reset();
    drain(loop);
  }

  base::Result<policy::Generation::Loaded> load() {
    std::optional<base::Result<policy::Generation::Loaded>> result;
    generation->load([&](base::Result<policy::Generation::Loaded> loaded) { result = std::move(loaded); });
    run_until(loop, [&] { return result.has_value(); }, "the hooks are loaded");
    return std::move(*result);
  }
  std::uint64_t ask(const std::string& host) {
    base::Json context = base::Json::object();
    context.set("tunnel", std::move(base::Json::object().set("host", host)));
    return generation->ask(HookEvent::reconnect, context, nullptr, false,
                           [this, host](Outcome outcome) { outcomes[host] = std::move(outcome); });
  }
  // Until it waits for its first effect.
  void start_flow(std::uint64_t flow) {
    base::Json start = base::Json::object();
    start.set("start", 2).set("clock", base::Json::object());
    assert_true(generation->step_flow(flow, std::move(start)));
    run_until(loop, [&] { return steps.size() == 1; }, "the flow's first effect");
  }
  void answered(std::size_t count) {
    run_until(loop, [&] { return outcomes.size() == count; }, "the answers");
  }
  std::string said(const std::string& host) const {
    const Outcome& outcome = outcomes.at(host);
    return outcome.answer.trouble.empty() ? std::string(outcome.answer.value["why"].text())
                                          : "trouble: " + outcome.answer.trouble;
  }
  bool troubled(const std::string& host) const { return !outcomes.at(host).answer.trouble.empty(); }
};

}  // namespace

static void problems_of_a_file_are_told_and_nothing_is_started(void**) {
  House house(20s, "api(1)\non.reconect('x', function() end)");
  const auto loaded = house.load();
  assert_false(loaded.ok());
  assert_text_equal(loaded.error().message,
                    "10.lua:2: there is no event `reconect`; did you mean `reconnect`?");
  assert_int_equal(house.generation->pid(), 0);
}

static void every_call_of_a_batch_is_answered(void**) {
  House house;
  assert_true(house.load().ok());
  for (int i = 0; i < 200; ++i) house.ask("host" + std::to_string(i));  // more than one batch
  house.answered(200);
  for (int i = 0; i < 200; ++i) {
    const std::string host = "host" + std::to_string(i);
    assert_text_equal(house.said(host), host);
  }
  assert_text_equal(house.outcomes.at("host0").answer.hook, "10.lua:2 echo");
}

static void the_others_of_a_batch_are_asked_again(void**) {
  House house(3s);
  assert_true(house.load().ok());
  for (const char* host : {"one", "two", "stuck", "three", "four"}) house.ask(host);
  house.answered(5);
  for (const char* host : {"one", "two", "three", "four"}) assert_text_equal(house.said(host), host);
  assert_true(house.troubled("stuck"));
  assert_int_equal(house.restarted, 1);
}

static void three_strikes_and_the_event_is_quiet(void**) {
  House house(1s);
  assert_true(house.load().ok());
  // A kill is a strike only when the hook has used the time: a busy machine may give it none.
  for (int i = 0; i < 30 && house.struck.size() < 3; ++i) {
    house.outcomes.clear();
    house.ask("stuck");
    house.answered(1);
    assert_true(house.troubled("stuck"));
  }
  assert_int_equal(house.struck.size(), policy::kStrikes);
  assert_true(house.generation->hooks()[0].quarantined);
  const int restarts = house.restarted;
  house.ask("well");
  house.answered(2);
  assert_text_equal(house.said("well"), "trouble: a hook of reconnect is in quarantine");
  assert_int_equal(house.restarted, restarts);
  // Other events go on to be asked.
  std::optional<Outcome> calm;
  house.generation->ask(HookEvent::health, base::Json::object(), nullptr, false,
                        [&](Outcome outcome) { calm = std::move(outcome); });
  run_until(house.loop, [&] { return calm.has_value(); }, "the other event's answer");
  assert_text_equal(calm->answer.value["why"].text(), "calm");
}

static void a_killed_process_is_started_anew(void**) {
  House house;
  assert_true(house.load().ok());
  const int first = house.generation->pid();
  ::kill(first, SIGKILL);
  run_until(house.loop, [&] { return house.restarted == 1; }, "the end is seen");
  house.ask("after");
  house.answered(1);
  assert_text_equal(house.said("after"), "after");
  assert_int_not_equal(house.generation->pid(), first);
  assert_true(house.struck.empty());  // no hook was running
}

static void a_withdrawn_call_is_not_answered(void**) {
  House house;
  assert_true(house.load().ok());
  house.ask("one");
  const auto id = house.ask("two");
  house.ask("three");
  house.generation->withdraw(id);
  house.answered(2);
  run_for(house.loop, 20ms);
  assert_false(house.outcomes.contains("two"));
}

static void a_flow_of_a_killed_process_is_lost_and_said_so(void**) {
  House house;
  assert_true(house.load().ok());
  house.start_flow(7);
  const auto step = base::Json::parse(house.steps[0]);
  assert_text_equal((*step)["effect"].text(), "sleep");
  assert_int_equal((*step)["flow"].integer(), 7);
  ::kill(house.generation->pid(), SIGKILL);
  run_until(house.loop, [&] { return house.restarted == 1; }, "the end is seen");
}

// On a busy machine a process that is started anew takes longer than calls wait for it.
static void a_flow_that_waits_too_long_for_a_process_is_lost_and_said_so(void**) {
  House house(3s, kHooks, 0ms, 500ms);
  assert_true(house.load().ok());
  for (int times = 0; house.steps.empty() && times < 20; ++times) {
    const int before = house.restarted;
    ::kill(house.generation->pid(), SIGKILL);
    run_until(house.loop, [&] { return house.restarted > before; }, "the end is seen");
    ::kill(house.generation->pid(), SIGSTOP);
    base::Json start = base::Json::object();
    start.set("start", 2).set("clock", base::Json::object());
    assert_true(house.generation->step_flow(8, std::move(start)));
    // Where it was stopped too late, when it had loaded its files, the step's deadline ends it.
    run_until(
        house.loop, [&] { return !house.steps.empty() || house.restarted > before + 1; }, "the flow's end");
  }
  const auto step = base::Json::parse(house.steps.at(0));
  assert_int_equal((*step)["flow"].integer(), 8);
  assert_text_equal((*step)["failed"].text(), "the policy process takes too long to start anew");
}

static void one_that_leaves_answers_what_it_was_asked(void**) {
  House house(3s);
  assert_true(house.load().ok());
  for (const char* host : {"one", "stuck", "two"}) house.ask(host);
  bool idle = false;
  house.generation->when_idle([&] { idle = true; });
  run_until(house.loop, [&] { return idle; }, "all is answered");
  assert_int_equal(house.outcomes.size(), 3);
  assert_text_equal(house.said("two"), "two");
  assert_text_equal(house.outcomes.at("stuck").answer.hook, "10.lua:2 echo");  // whose fault it was
}

// As on a machine that gives the process no time, where nobody waits for the answer.
static void with_a_grace_a_process_is_late_only_when_it_has_had_the_time(void**) {
  House house(1s, kHooks, 100ms);
  assert_true(house.load().ok());
  ::kill(house.generation->pid(), SIGSTOP);
  house.ask("one");
  run_for(house.loop, 1500ms);  // more than deadline and grace
  assert_true(house.outcomes.empty());
  ::kill(house.generation->pid(), SIGCONT);
  house.answered(1);
  assert_text_equal(house.said("one"), "one");
  assert_int_equal(house.restarted, 0);
}

static void a_cancelled_flow_is_nobodys_fault(void**) {
  House house(3s);
  assert_true(house.load().ok());
  house.start_flow(7);
  house.generation->cancel_flow(7);
  run_for(house.loop, 3500ms);  // more than a deadline
  house.ask("after");
  house.answered(1);
  assert_text_equal(house.said("after"), "after");
  assert_int_equal(house.restarted, 0);
}

static void a_file_that_never_ends_is_named(void**) {
  House house(20s, R"(api(1)
while true do pcall(function() while true do end end) end)");
  const auto loaded = house.load();
  assert_false(loaded.ok());
  assert_non_null(
      std::strstr(loaded.error().message.c_str(), "did not load its files in time: 10.lua did not end"));
}

static void too_many_that_wait_get_the_safe_default(void**) {
  House house;
  assert_true(house.load().ok());
  for (std::size_t i = 0; i < policy::kMostWaiting; ++i) house.ask("many");
  house.ask("late");
  run_until(house.loop, [&] { return house.outcomes.contains("late"); }, "the answer to the one too many");
  assert_text_equal(house.said("late"), "trouble: too many calls wait for the hooks");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(problems_of_a_file_are_told_and_nothing_is_started),
      cmocka_unit_test(every_call_of_a_batch_is_answered),
      cmocka_unit_test(the_others_of_a_batch_are_asked_again),
      cmocka_unit_test(three_strikes_and_the_event_is_quiet),
      cmocka_unit_test(a_killed_process_is_started_anew),
      cmocka_unit_test(a_withdrawn_call_is_not_answered),
      cmocka_unit_test(a_flow_of_a_killed_process_is_lost_and_said_so),
      cmocka_unit_test(a_flow_that_waits_too_long_for_a_process_is_lost_and_said_so),
      cmocka_unit_test(one_that_leaves_answers_what_it_was_asked),
      cmocka_unit_test(with_a_grace_a_process_is_late_only_when_it_has_had_the_time),
      cmocka_unit_test(a_cancelled_flow_is_nobodys_fault),
      cmocka_unit_test(a_file_that_never_ends_is_named),
      cmocka_unit_test(too_many_that_wait_get_the_safe_default),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
