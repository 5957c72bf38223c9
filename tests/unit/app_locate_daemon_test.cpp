#include <cstdlib>
#include <fstream>

#include "app/command_line.hpp"
#include "app/locate_daemon.hpp"
#include "base/file.hpp"
#include "cmocka.hpp"

using namespace fairlead;

namespace {

std::string folder;  // for one run of this test

std::string write(const std::string& name, const std::string& text) {
  const auto path = base::join_path(folder, name);
  std::ofstream(path) << text;
  return path;
}

app::GlobalOptions options_for(const std::string& config) {
  app::GlobalOptions options;
  options.config = config;
  return options;
}

}  // namespace

static int make_folder(void**) {
  char name[] = "/tmp/fairlead-locate-XXXXXX";
  if (::mkdtemp(name) == nullptr) return -1;
  folder = name;
  return base::make_directories(folder + "/run") ? 0 : -1;
}

static int remove_folder(void**) {
  for (const char* name : {"/run/control.sock", "/good.yaml", "/bad.yaml", "/away.yaml"})
    ::unlink((folder + name).c_str());
  ::rmdir((folder + "/run").c_str());
  return ::rmdir(folder.c_str());
}

static void the_option_goes_over_everything(void**) {
  auto options = options_for("/nonexistent.yaml");
  options.socket = "/x/y.sock";
  const auto found = app::locate_daemon(options);
  assert_true(found.ok());
  assert_text_equal(found->socket, "/x/y.sock");
  assert_text_equal(found->start_command, "fairlead daemon --config /nonexistent.yaml");
}

static void the_configuration_tells_the_socket(void**) {
  const auto file = write("good.yaml", "runtime_dir: " + folder + "/run\ntunnels: {}\n");
  const auto found = app::locate_daemon(options_for(file));
  if (!found) fail_msg("%s", found.error().text().c_str());
  assert_text_equal(found->socket, folder + "/run/control.sock");
}

static void a_file_broken_since_leaves_the_daemon_within_reach(void**) {
  write("run/control.sock", "");
  const auto file = write("bad.yaml", "tunnels: {{\n  - nonsense\nruntime_dir: " + folder + "/run  # here\n");
  const auto found = app::locate_daemon(options_for(file));
  if (!found) fail_msg("%s", found.error().text().c_str());
  assert_text_equal(found->socket, folder + "/run/control.sock");
}

static void a_broken_file_without_a_socket_is_the_error(void**) {
  const auto file = write("away.yaml", "nonsense: 1\nruntime_dir: " + folder + "/away\n");
  const auto found = app::locate_daemon(options_for(file));
  assert_false(found.ok());
  assert_true(found.error().code == base::Code::bad_config);
  assert_true(found.error().message.find("away.yaml:1:1") != std::string::npos);
  assert_true(found.error().message.find("--socket") != std::string::npos);
}

static void values_are_read_from_the_top_level_only(void**) {
  const std::pair<const char*, const char*> rows[] = {
      {"runtime_dir: /a\n", "/a"},       {"x: 1\nruntime_dir:   '/a b' # c\n", "/a b"},
      {"runtime_dir: \"/a\"\r\n", "/a"}, {"runtime_dir: /a#b # c", "/a#b"},
      {"runtime_dir: # none\n", ""},     {"runtime_dir:\n", ""},
      {"  runtime_dir: /nested\n", ""},  {"runtime_dirs: /a\nruntime_dir2: /b\n", ""},
      {"runtime_dir: \"/open", "/open"}, {"", ""},
  };
  for (const auto& [text, value] : rows) assert_text_equal(app::top_level_value(text, "runtime_dir"), value);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_option_goes_over_everything),
      cmocka_unit_test(the_configuration_tells_the_socket),
      cmocka_unit_test(a_file_broken_since_leaves_the_daemon_within_reach),
      cmocka_unit_test(a_broken_file_without_a_socket_is_the_error),
      cmocka_unit_test(values_are_read_from_the_top_level_only),
  };
  return cmocka_run_group_tests_name("app_locate_daemon", tests, make_folder, remove_folder);
}
