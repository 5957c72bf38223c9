// Loading the module as the executable does: this test exports the same symbols (tests/unit/meson.build).
#include "http/load_client.hpp"

#include <cstdlib>
#include <cstring>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

using namespace fairlead;
using namespace std::chrono_literals;

static void a_missing_module_names_its_package(void**) {
  loop::Loop loop;
  const auto client = http::load_client(loop, {"/nonexistent/fairlead-http.so"});
  assert_false(client.ok());
  assert_true(client.error().code == base::Code::unavailable);
  assert_non_null(strstr(client.error().message.c_str(), "install the package fairlead-http"));
  assert_non_null(strstr(client.error().message.c_str(), "/nonexistent/fairlead-http.so"));
}

static void a_broken_module_is_an_error(void**) {
  loop::Loop loop;
  const std::string path = "/tmp/fairlead-test-broken-module.so";
  assert_true(base::replace_file(path, "not a library").ok());
  const auto client = http::load_client(loop, {path});
  ::unlink(path.c_str());
  assert_false(client.ok());
  assert_true(client.error().code == base::Code::unavailable);
}

static void a_library_that_is_no_module_of_ours_is_refused(void**) {
  loop::Loop loop;
  const auto client = http::load_client(loop, {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"});
  assert_false(client.ok());
  assert_true(client.error().code == base::Code::unsupported ||
              client.error().code == base::Code::unavailable);  // elsewhere it has another name
}

static void looks_beside_the_executable_first(void**) {
  const auto paths = http::module_paths();
  assert_int_equal(paths.size(), 2);
  assert_non_null(strstr(paths[0].c_str(), "/unit/fairlead-http.so"));
  assert_text_equal(paths[1], FAIRLEAD_MODULE_DIR "/fairlead-http.so");
}

static void the_module_finds_our_symbols_and_works(void**) {
  const char* path = std::getenv("FAIRLEAD_TEST_MODULE");
  assert_non_null(path);  // set by meson
  loop::Loop loop;
  auto client = http::load_client(loop, {path});
  if (!client) fail_msg("%s", client.error().text().c_str());
  core::HttpRequest request;
  request.url = "http://nobody/";
  request.unix_socket = "/nonexistent/control.sock";
  base::Code code = base::Code::internal;
  const auto call = (*client)->start(
      request,
      [&](base::Result<core::HttpResponse> result) {
        assert_false(result.ok());
        code = result.error().code;
        loop.stop();
      },
      nullptr);
  loop.run();
  assert_true(code == base::Code::unavailable);
  assert_true(loop.drain(30s).ok());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_missing_module_names_its_package),
      cmocka_unit_test(a_broken_module_is_an_error),
      cmocka_unit_test(a_library_that_is_no_module_of_ours_is_refused),
      cmocka_unit_test(looks_beside_the_executable_first),
      cmocka_unit_test(the_module_finds_our_symbols_and_works),
  };
  return cmocka_run_group_tests_name("http_load_client", tests, nullptr, nullptr);
}
