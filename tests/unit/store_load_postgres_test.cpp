// Loading the module as the executable does: this test exports the same symbols (tests/unit/meson.build).
#include "store/load_postgres.hpp"

#include <cstdlib>
#include <cstring>

#include "cmocka.hpp"
#include "run_loop.hpp"

using namespace fairlead;

static void a_missing_module_names_its_package(void**) {
  loop::Loop loop;
  base::Log log;
  const auto store = store::load_postgres(loop, log, {}, {"/nonexistent/fairlead-postgres.so"});
  assert_false(store.ok());
  assert_true(store.error().code == base::Code::unavailable);
  assert_non_null(strstr(store.error().message.c_str(), "install the package fairlead-postgres"));
}

static void the_module_finds_our_symbols_and_works(void**) {
  const char* path = std::getenv("FAIRLEAD_TEST_MODULE");
  assert_non_null(path);  // set by meson
  loop::Loop loop;
  base::Log log;
  core::StoreSettings settings;
  settings.url = "postgresql://nobody@127.0.0.1:1/nothing";
  {
    auto store = store::load_postgres(loop, log, settings, {path});
    if (!store) fail_msg("%s", store.error().text().c_str());
    (*store)->begin([] {}, [] {});
    run_until(loop, [&] { return (*store)->status().state == core::StoreStatus::State::away; }, "a refusal");
    assert_text_equal((*store)->status().place, "127.0.0.1:1/nothing");
    assert_non_null(strstr((*store)->status().error.c_str(), "refused"));
  }
  drain(loop);
}

static void a_wrong_connection_string_is_refused_and_not_shown(void**) {
  loop::Loop loop;
  base::Log log;
  core::StoreSettings settings;
  settings.url = "postgresql://u:tops3cret@%zz";
  {
    auto store = store::load_postgres(loop, log, settings, {std::getenv("FAIRLEAD_TEST_MODULE")});
    assert_true(store.ok());
    bool told = false;
    (*store)->begin([&] { told = true; }, [] {});
    assert_false(told);
    run_until(loop, [&] { return told; }, "a refusal");
    assert_true((*store)->status().state == core::StoreStatus::State::refused);
    assert_null(strstr((*store)->status().error.c_str(), "tops3cret"));
  }
  drain(loop);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_missing_module_names_its_package),
      cmocka_unit_test(the_module_finds_our_symbols_and_works),
      cmocka_unit_test(a_wrong_connection_string_is_refused_and_not_shown),
  };
  return cmocka_run_group_tests_name("store_load_postgres", tests, nullptr, nullptr);
}
