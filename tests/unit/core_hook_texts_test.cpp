#include <string>

#include "cmocka.hpp"
#include "core/context_check.hpp"
#include "core/hook_skeleton.hpp"

using namespace fairlead;

namespace {

std::string problems_of(const char* event, const char* context) {
  const auto parsed = base::Json::parse(context);
  assert_true(parsed.ok());
  std::string all;
  for (const std::string& problem : core::check_context(*core::find_event(event), parsed->view()))
    all += (all.empty() ? "" : "; ") + problem;
  return all;
}

}  // namespace

static void a_ctx_is_held_to_the_table(void**) {
  const struct {
    const char* event;
    const char* context;
    const char* problems;
  } rows[] = {
      {"reconnect", R"({"tunnel":{"name":"a","port":22},"reason":"x","attempts":3,"default_delay":1.5})", ""},
      {"reconnect", R"({"clock":{"hour":3,"weekend":true},"seed":5})", ""},
      {"health", R"({"check":{"status":null,"error":null}})", ""},
      {"reconnect", R"({"tunel":{}})", "`tunel` is no field of reconnect; did you mean `tunnel`?"},
      {"reconnect", R"({"tunnel":{"nam":"a"}})",
       "`tunnel.nam` is no field of reconnect; did you mean `tunnel.name`?"},
      {"reconnect", R"({"tunnel":"a"})", "`tunnel` must be an object"},
      {"reconnect", R"({"attempts":1.5,"patient":1})",
       "`attempts` must be an integer; `patient` must be a boolean"},
      {"reconnect", R"({"default_delay":-1})", "`default_delay` must be seconds, as a number"},
      {"reconnect", R"({"reason":null})", "`reason` must be a text"},
      {"route", R"({"workers":["a",1]})", "`workers` must be a list of texts"},
      {"reconnect", "[]", "a ctx is a JSON object"},
  };
  for (const auto& row : rows) assert_text_equal(problems_of(row.event, row.context), row.problems);
}

static void a_skeleton_names_all_that_its_event_offers(void**) {
  for (const core::EventInfo& event : core::all_events()) {
    const std::string text = core::hook_skeleton(event, "mine");
    const auto holds = [&](const std::string& part) {
      if (text.find(part) == std::string::npos) fail_msg("%s lacks %s", event.name.data(), part.c_str());
    };
    holds("api(1)\n");
    holds("\"mine\", function(");
    if (event.kind == core::HookKind::flow) continue;
    for (const core::EventField& field : event.fields) holds("ctx." + std::string(field.path));
    for (const core::VerdictForm& form : event.verdicts)
      holds("return ctx." + std::string(form.method) + "(");
    holds("ctx.clock.hour");
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_ctx_is_held_to_the_table),
      cmocka_unit_test(a_skeleton_names_all_that_its_event_offers),
  };
  return cmocka_run_group_tests_name("core_hook_texts", tests, nullptr, nullptr);
}
