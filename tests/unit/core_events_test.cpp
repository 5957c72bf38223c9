// The table of events is consistent, and check_verdict takes exactly what its rows allow.
#include "core/events.hpp"

#include <set>
#include <string>

#include "base/text.hpp"
#include "cmocka.hpp"

using namespace fairlead;
using core::EventInfo;
using core::FieldType;
using core::HookKind;
using core::VerdictArgument;
using core::VerdictForm;

namespace {

// The verdict as a builder makes it: every argument, or only those that must be there.
base::Json built(const VerdictForm& form, bool with_optional) {
  base::Json verdict = base::Json::object();
  verdict.set("verdict", form.method);
  VerdictArgument arguments[VerdictForm::kMostArguments];
  const std::size_t count = form.arguments(arguments);
  for (std::size_t i = 0; i < count; ++i) {
    if (arguments[i].optional && !with_optional) continue;
    if (arguments[i].type == FieldType::duration)
      verdict.set(arguments[i].name, 2.5);
    else
      verdict.set(arguments[i].name, "because");
  }
  return verdict;
}

template <typename Visit>
void for_each_form(Visit visit) {
  for (const EventInfo& event : core::all_events())
    for (const VerdictForm& form : event.verdicts) visit(event, form);
}

bool taken(const EventInfo& event, const base::Json& verdict) {
  return core::check_verdict(event, verdict.view()).ok();
}

}  // namespace

static void every_event_is_found_by_its_name_and_says_what_it_asks(void**) {
  std::set<std::string_view> names;
  for (const EventInfo& event : core::all_events()) {
    assert_true(names.insert(event.name).second);
    assert_ptr_equal(core::find_event(event.name), &event);
    assert_ptr_equal(&core::describe(event.event), &event);
    assert_false(event.asks.empty());
    // Who decides has verdicts and a default to fall back on; nobody else has verdicts.
    assert_int_equal(event.verdicts.empty(), event.kind != HookKind::decide);
    assert_true(event.kind != HookKind::decide || !event.safe_default.empty());
  }
  assert_null(core::find_event("reconect"));
  assert_null(core::find_event(""));
}

static void fields_are_unique_and_no_field_is_a_group_too(void**) {
  for (const EventInfo& event : core::all_events()) {
    std::set<std::string_view> paths;
    for (const core::EventField& field : event.fields) {
      if (!paths.insert(field.path).second) fail_msg("%s twice", std::string(field.path).c_str());
      assert_ptr_equal(core::find_field(event, field.path), &field);
      for (const core::EventField& other : event.fields)
        if (other.path.starts_with(std::string(field.path) + "."))
          fail_msg("%s is a field and a group", std::string(field.path).c_str());
      const auto dot = field.path.find('.');
      if (dot != std::string_view::npos)
        assert_int_equal(static_cast<int>(core::path_kind(event, field.path.substr(0, dot))),
                         static_cast<int>(core::PathKind::group));
      assert_false(field.meaning.empty());
      assert_false(field.path.substr(0, dot) == "clock" || field.path == "random" || field.path == "seed");
    }
    for (const VerdictForm& form : event.verdicts)  // a method would hide a field
      assert_false(paths.contains(form.method) || form.method == "random");
    assert_non_null(core::find_field(event, "clock.hour"));
    assert_int_equal(static_cast<int>(core::path_kind(event, "clock.hours")),
                     static_cast<int>(core::PathKind::unknown));
  }
}

static void signatures_say_name_and_type_of_each_argument(void**) {
  for_each_form([](const EventInfo& event, const VerdictForm& form) {
    assert_int_equal(static_cast<int>(form.event), static_cast<int>(event.event));
    VerdictArgument arguments[VerdictForm::kMostArguments];
    const std::size_t count = form.arguments(arguments);
    // Written anew from what was read, it is the same text.
    std::string again;
    for (std::size_t i = 0; i < count; ++i)
      again += (i > 0 ? ", " : "") + std::string(arguments[i].name) + ": " +
               std::string(core::to_string(arguments[i].type)) + (arguments[i].optional ? "?" : "");
    assert_text_equal(again, form.signature);
    for (const VerdictForm& other : event.verdicts)
      assert_true(&other == &form || other.method != form.method);
  });
}

static void what_builders_make_is_taken(void**) {
  int seen = 0;
  for_each_form([&](const EventInfo& event, const VerdictForm& form) {
    for (const bool with_optional : {true, false}) {
      const auto checked = core::check_verdict(event, built(form, with_optional).view());
      assert_true(checked.ok());
      assert_ptr_equal(*checked, &form);
    }
    ++seen;
  });
  assert_true(seen >= 19);
}

static void what_differs_from_it_is_refused(void**) {
  for_each_form([](const EventInfo& event, const VerdictForm& form) {
    VerdictArgument arguments[VerdictForm::kMostArguments];
    const std::size_t count = form.arguments(arguments);
    for (std::size_t i = 0; i < count; ++i) {
      const auto with = [&](base::Json value) {
        base::Json verdict = built(form, true);
        verdict.set(arguments[i].name, std::move(value));
        return verdict;
      };
      assert_false(taken(event, with(true)));
      assert_false(taken(event, with(base::Json::array())));
      assert_false(taken(event, with(base::Json::object())));
      assert_false(taken(event, with(base::Json())));
      if (arguments[i].type == FieldType::duration) {
        for (const double wrong : {-1.0, -0.001, static_cast<double>(core::kMostSeconds) + 1, 1e300})
          assert_false(taken(event, with(wrong)));
        assert_false(taken(event, with("5m")));
        assert_true(taken(event, with(static_cast<double>(core::kMostSeconds))));
        assert_true(taken(event, with(0.0)));
      } else {
        assert_false(taken(event, with(5.0)));
        assert_true(taken(event, with(std::string(1024, 'x'))));
        assert_false(taken(event, with(std::string(1025, 'x'))));
      }
    }
    base::Json more = built(form, true);
    more.set("more", 1);
    assert_false(taken(event, more));
    base::Json other_case = built(form, true);
    other_case.set("verdict", base::lower(form.method) + "_");
    assert_false(taken(event, other_case));
    // A verdict of one event is none of another, unless that has the same.
    for (const EventInfo& other : core::all_events()) {
      bool has = false;
      for (const VerdictForm& candidate : other.verdicts)
        has = has || (candidate.method == form.method && candidate.signature == form.signature);
      bool named = false;
      for (const VerdictForm& candidate : other.verdicts) named = named || candidate.method == form.method;
      if (has || !named) assert_int_equal(taken(other, built(form, true)), has);
    }
  });
}

static void an_argument_that_must_be_there_must_be_there(void**) {
  const EventInfo& reconnect = core::describe(core::HookEvent::reconnect);
  assert_false(core::check_verdict(reconnect, base::Json::parse(R"({"verdict":"after"})")->view()).ok());
  assert_false(core::check_verdict(reconnect, base::Json::parse(R"({"verdict":"stop"})")->view()).ok());
  for (const char* text : {"null", "[]", "5", "\"after\"", "{}", R"({"verdict":5})", R"({"delay":5})"})
    assert_false(core::check_verdict(reconnect, base::Json::parse(text)->view()).ok());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_event_is_found_by_its_name_and_says_what_it_asks),
      cmocka_unit_test(fields_are_unique_and_no_field_is_a_group_too),
      cmocka_unit_test(signatures_say_name_and_type_of_each_argument),
      cmocka_unit_test(what_builders_make_is_taken),
      cmocka_unit_test(what_differs_from_it_is_refused),
      cmocka_unit_test(an_argument_that_must_be_there_must_be_there),
  };
  return cmocka_run_group_tests_name("core_events", tests, nullptr, nullptr);
}
