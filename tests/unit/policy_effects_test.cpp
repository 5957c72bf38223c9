// What flows ask for, at the last place before it is done: requests that would be more than one, and floods.
#include "policy/effects.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cmocka.hpp"
#include "run_loop.hpp"
#include "temp_folder.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

struct Audit final : core::AuditPort {
  std::vector<std::string> entries;  // "actor event detail"
  void append(core::AuditEntry entry) override {
    entries.push_back(entry.actor + " " + entry.event + " " + entry.detail);
  }
  auto count(const std::string& entry) const { return std::ranges::count(entries, entry); }
};

struct Events final : core::EventPort {
  int published = 0;
  void publish(std::string_view, const base::Json&) override { ++published; }
};

// Keeps what is asked, and never answers.
struct Http final : core::HttpClient {
  std::vector<core::HttpRequest> requests;
  std::unique_ptr<core::HttpCall> start(core::HttpRequest request, Done, OnData) override {
    requests.push_back(std::move(request));
    return std::make_unique<core::HttpCall>();
  }
};

struct House {
  TempFolder folder;
  loop::Loop loop;
  base::Log log;
  int warnings = 0;
  Audit audit;
  Events events;
  Http http;
  std::optional<policy::FlowStore> store;
  std::optional<policy::Effects> effects;
  core::PolicyAllow allow{{}, {"h.example"}, {}};

  explicit House(base::Millis minute = 60s) {
    log.add_sink([this](const base::Record&) { ++warnings; });
    store.emplace(loop, log, folder.path("store.json"));
    effects.emplace(
        policy::Effects::Ports{loop, log, audit, events, *store, nullptr, nullptr,
                               [this]() -> base::Result<core::HttpClient*> { return &http; }, nullptr},
        minute);
  }
  ~House() {
    effects.reset();
    store.reset();
    drain(loop);
  }

  // The answer, or nothing where it is not there at once.
  std::optional<policy::EffectResult> perform(const char* effect, const std::string& arguments) {
    std::optional<policy::EffectResult> answer;
    const auto parsed = base::Json::parse(arguments);
    if (!parsed) fail_msg("%s", arguments.c_str());
    const auto running = effects->perform(*core::find_effect(effect), parsed->view(), "disk", allow,
                                          [&](policy::EffectResult result) { answer = std::move(result); });
    run_for(loop, 5ms);
    return answer;
  }
};

std::string request(const std::string& method) {
  return R"({"url":"http://h.example/","method":")" + method + R"("})";
}

}  // namespace

static void a_method_is_a_word_and_no_second_request(void**) {
  House house;
  for (const std::string method : {"", "get", "GET ", "GET / HTTP/1.1\\r\\nX: y\\r\\n\\r\\nDELETE", "GET\\n",
                                   "G\\tT", "M-SEARCH", "GÉT", "ABCDEFGHIJKLMNOPQRSTU"}) {
    const auto answer = house.perform("http", request(method));
    if (!answer || !answer->forbidden) fail_msg("let through: %s", method.c_str());
    assert_text_equal(answer->message, "flow.http: `method` has 1 to 20 upper-case letters");
  }
  assert_true(house.http.requests.empty());
  assert_true(house.audit.entries.empty());  // nothing was done
  for (const char* method : {"GET", "POST", "PROPFIND", "ABCDEFGHIJKLMNOPQRST"}) {
    assert_false(house.perform("http", request(method)).has_value());
    assert_text_equal(house.http.requests.back().method, method);
  }
  (void)house.perform("http", R"({"url":"http://h.example/"})");
  assert_text_equal(house.http.requests.back().method, "GET");
}

static void a_flood_of_effects_is_done_and_audited_as_a_number(void**) {
  House house(base::Millis(300));
  const auto emit = base::Json::parse(R"({"type":"flood","body":1})");
  std::vector<std::unique_ptr<policy::RunningEffect>> running;
  int answered = 0;
  for (int i = 0; i < 2'000; ++i)
    running.push_back(
        house.effects->perform(*core::find_effect("emit"), emit->view(), "disk", house.allow,
                               [&](const policy::EffectResult& result) { answered += result.good ? 1 : 0; }));
  (void)house.perform("store.set", R"({"key":"k","value":1})");
  run_until(house.loop, [&] { return answered == 2'000; }, "the answers");
  assert_int_equal(house.events.published, 2'000);
  run_until(
      house.loop, [&] { return house.audit.count("hook:disk hook_effect 1900 more of emit") == 1; },
      "the minute's end");
  assert_int_equal(house.audit.count("hook:disk hook_effect emit flood"), 100);
  assert_int_equal(house.audit.count("hook:disk hook_effect store.set k"), 1);  // has an allowance of its own
  assert_int_equal(house.audit.entries.size(), 102);
}

static void a_flood_of_what_is_refused_is_bounded_too(void**) {
  House house;
  const auto exec = base::Json::parse(R"({"argv":["/bin/false"]})");
  std::vector<std::unique_ptr<policy::RunningEffect>> running;
  for (int i = 0; i < 2'000; ++i)
    running.push_back(house.effects->perform(*core::find_effect("exec"), exec->view(), "disk", house.allow,
                                             [](const policy::EffectResult&) {}));
  assert_int_equal(house.audit.count("hook:disk hook_effect_refused exec /bin/false"), 100);
  assert_int_equal(house.warnings, 100);
  house.effects->end();
  assert_int_equal(house.audit.count("hook:disk hook_effect_refused 1900 more of exec"), 1);
  assert_int_equal(house.warnings, 101);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_method_is_a_word_and_no_second_request),
      cmocka_unit_test(a_flood_of_effects_is_done_and_audited_as_a_number),
      cmocka_unit_test(a_flood_of_what_is_refused_is_bounded_too),
  };
  return cmocka_run_group_tests_name("policy_effects", tests, nullptr, nullptr);
}
