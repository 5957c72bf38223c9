#include "base/json.hpp"
#include "cmocka.hpp"

using namespace fairlead::base;

static void keeps_what_it_was_given(void**) {
  Json object = Json::object();
  object.set("name", "a\"b\n").set("count", 999999999999999LL).set("on", true);
  object.set("list", std::move(Json::array().push(1).push("two").push(Json())));
  auto parsed = Json::parse(object.dump());
  assert_true(parsed.ok());
  assert_text_equal((*parsed)["name"].text(), "a\"b\n");
  assert_true((*parsed)["count"].integer() == 999999999999999LL);
  assert_true((*parsed)["on"].boolean());
  assert_int_equal((*parsed)["list"].size(), 3);
  assert_true((*parsed)["list"].at(2).is_null());
  assert_false((*parsed)["missing"]["deeper"].exists());
}

static void replaces_a_key_that_is_set_twice(void**) {
  Json object = Json::object();
  object.set("a", 1).set("a", 2);
  assert_text_equal(object.dump(), R"({"a":2})");
}

static void refuses_what_is_not_one_sound_value(void**) {
  for (const char* text : {"", "{", "{} x", "{\"a\":1,\"a\":2}", "nul"}) assert_false(Json::parse(text).ok());
  assert_false(Json::parse(std::string(100, '[') + std::string(100, ']')).ok());
}

// They came out as other numbers: 9007199254740993 as 9.00719925474099e+15, 1e400 as null.
static void refuses_a_number_that_would_not_be_kept(void**) {
  for (const char* text :
       {"9007199254740993", "-123456789012345678", R"({"a":["\\\"",4503599627370497]})", "1e400", "[-1e999]"})
    assert_false(Json::parse(text).ok());
  for (const char* text : {"4503599627370496", "-4503599627370495", "1795291204233123"}) {
    const auto kept = Json::parse(text);
    assert_true(kept.ok());
    assert_text_equal(kept->dump(), text);
  }
  assert_true(Json::parse(R"({"a":"9007199254740993","b\"c":1e20,"d":0.1234567890123456789})").ok());
}

// cJSON would end the text there: "a\u0000b" became "a".
static void refuses_a_nul_that_would_cut_a_text(void**) {
  assert_false(Json::parse(R"({"args":["a\u0000b"]})").ok());
  assert_false(Json::parse(R"(["a\\\u0000"])").ok());
  assert_false(Json::parse(std::string_view("{}\0{}", 5)).ok());
  const auto escaped = Json::parse(R"(["a\\u0000"])");  // a backslash, and then only looks like one
  assert_true(escaped.ok());
  assert_text_equal(escaped->view().at(0).text(), R"(a\u0000)");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_it_was_given),
      cmocka_unit_test(replaces_a_key_that_is_set_twice),
      cmocka_unit_test(refuses_what_is_not_one_sound_value),
      cmocka_unit_test(refuses_a_number_that_would_not_be_kept),
      cmocka_unit_test(refuses_a_nul_that_would_cut_a_text),
  };
  return cmocka_run_group_tests_name("base_json", tests, nullptr, nullptr);
}
