// The table of effects, and the check of what a flow gives them.
#include "core/effects.hpp"

#include <set>
#include <string>

#include "cmocka.hpp"

using namespace fairlead;

static void every_effect_is_found_by_its_name(void**) {
  std::set<std::string_view> names;
  for (const core::EffectInfo& effect : core::all_effects()) {
    assert_true(names.insert(effect.name).second);
    assert_ptr_equal(core::find_effect(effect.name), &effect);
    assert_ptr_equal(&core::describe(effect.effect), &effect);
    assert_false(effect.arguments.empty());
    std::set<std::string_view> arguments;
    bool optional = false;
    for (const core::EffectArgument& argument : effect.arguments) {
      assert_true(arguments.insert(argument.name).second);
      // By position, what may be left out comes last.
      assert_true(effect.call == core::EffectCall::named || argument.optional || !optional);
      optional = argument.optional;
    }
    assert_true(effect.allowed_by.empty() || effect.allowed_by == "commands" ||
                effect.allowed_by == "hosts" || effect.allowed_by == "tunnels");
  }
  assert_null(core::find_effect("store"));
  assert_null(core::find_effect("tunnel.upp"));
}

static void takes_what_the_table_says_and_nothing_else(void**) {
  const struct {
    const char* effect;
    const char* arguments;
    const char* problem;  // a part of the message; null: fine
  } rows[] = {
      {"sleep", R"({"time":"5m"})", nullptr},
      {"sleep", R"({"time":0.5})", nullptr},
      {"sleep", R"({"time":-1})", "`time` must be a duration"},
      {"sleep", R"({"time":"soon"})", "`time` must be a duration"},
      {"sleep", R"({})", "`time` is missing"},
      {"sleep", R"([])", "takes a table"},
      {"exec", R"({"argv":["/bin/true","-x"],"timeout":"5s"})", nullptr},
      {"exec", R"({"argv":"/bin/true"})", "`argv` must be a list of texts"},
      {"exec", R"({"argv":["/bin/true",5]})", "`argv` must be a list of texts"},
      {"exec", R"({"argv":["/bin/true"],"shell":true})", "has no argument `shell`"},
      {"exec", R"({"argv":["/bin/true"],"time_out":5})", "did you mean `timeout`?"},
      {"http", R"({"url":"http://h/","headers":{"a":"b"}})", nullptr},
      {"http", R"({"url":"http://h/","headers":[]})", nullptr},
      {"http", R"({"url":"http://h/","headers":{"a":1}})", "`headers` must be a table of texts"},
      {"http", R"({"url":"http://h/","headers":["a"]})", "`headers` must be a table of texts"},
      {"http", R"({"url":5})", "`url` must be a text"},
      {"store.set", R"({"key":"k","value":{"deep":[1,null]}})", nullptr},
      {"store.set", R"({"key":"k"})", nullptr},
      {"store.set", R"({"value":1})", "`key` is missing"},
      {"tunnel.up", R"({"name":"hub"})", nullptr},
      {"tunnel.up", R"({"name":null})", "`name` must be a text"},
  };
  for (const auto& row : rows) {
    const auto arguments = base::Json::parse(row.arguments);
    assert_true(arguments.ok());
    const auto checked = core::check_arguments(*core::find_effect(row.effect), arguments->view());
    const std::string message = checked ? "" : checked.error().message;
    if (row.problem == nullptr ? !checked.ok() : message.find(row.problem) == std::string::npos)
      fail_msg("%s %s: %s", row.effect, row.arguments, message.c_str());
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_effect_is_found_by_its_name),
      cmocka_unit_test(takes_what_the_table_says_and_nothing_else),
  };
  return cmocka_run_group_tests_name("core_effects", tests, nullptr, nullptr);
}
