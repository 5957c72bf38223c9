// Which file is taken, in which mode, and what an operator hears when there is none.
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "config/load.hpp"

using namespace fairlead;
using config::find_config;

namespace {

std::string folder;  // a fresh one for each run of the tests

std::string make_file(const std::string& name) {
  const std::string path = folder + "/" + name;
  assert_true(base::make_directories(base::parent_of(path)).ok());
  assert_true(base::replace_file(path, "tunnels: {}\n").ok());
  return path;
}

void clear_variables() {
  for (const char* variable : {"FAIRLEAD_CONFIG", "BRIDGE_CONFIG", "XDG_CONFIG_HOME"}) unsetenv(variable);
  setenv("HOME", (folder + "/home").c_str(), 1);
}

std::string found_at(const std::string& explicit_path) {
  const auto found = find_config(explicit_path);
  return found ? found->file : "! " + found.error().text();
}

int make_folder(void**) {
  char name[] = "/tmp/fairlead-config-XXXXXX";
  if (!mkdtemp(name)) return -1;
  folder = name;
  return 0;
}

int remove_folder(void**) {
  return std::system(("rm -r " + folder).c_str());
}

}  // namespace

static void the_first_named_place_wins(void**) {
  clear_variables();
  const std::string home = make_file("home/.config/fairlead/fairlead.yaml");
  const std::string xdg = make_file("xdg/fairlead/fairlead.yaml");
  const std::string bridge = make_file("bridge.yaml");
  const std::string fairlead = make_file("fairlead.yaml");
  const std::string option = make_file("option.yaml");
  assert_text_equal(found_at(""), home);
  setenv("XDG_CONFIG_HOME", "relative/is/ignored", 1);
  assert_text_equal(found_at(""), home);
  setenv("XDG_CONFIG_HOME", (folder + "/xdg").c_str(), 1);
  assert_text_equal(found_at(""), xdg);
  setenv("BRIDGE_CONFIG", bridge.c_str(), 1);
  assert_text_equal(found_at(""), bridge);
  setenv("FAIRLEAD_CONFIG", "", 1);  // empty is as good as not set
  assert_text_equal(found_at(""), bridge);
  setenv("FAIRLEAD_CONFIG", fairlead.c_str(), 1);
  assert_text_equal(found_at(""), fairlead);
  assert_text_equal(found_at(option), option);
}

static void a_named_file_that_is_missing_is_not_replaced_by_another(void**) {
  clear_variables();
  make_file("home/.config/fairlead/fairlead.yaml");
  setenv("BRIDGE_CONFIG", "/nowhere/b.yaml", 1);
  const auto by_variable = find_config("");
  assert_false(by_variable.ok());
  assert_true(by_variable.error().code == base::Code::not_found);
  assert_text_equal(by_variable.error().text(), "/nowhere/b.yaml: no such file, named by $BRIDGE_CONFIG");
  assert_text_equal(found_at("/nowhere/c.yaml"), "! /nowhere/c.yaml: no such file, named by --config");
}

static void finding_nothing_lists_the_places(void**) {
  clear_variables();
  if (base::exists("/etc/fairlead/fairlead.yaml")) skip();
  setenv("HOME", (folder + "/empty").c_str(), 1);
  const auto found = find_config("");
  assert_false(found.ok());
  for (const std::string& part :
       {std::string("--config"), std::string("$FAIRLEAD_CONFIG"), std::string("$BRIDGE_CONFIG"),
        folder + "/empty/.config/fairlead/fairlead.yaml", std::string("/etc/fairlead/fairlead.yaml")})
    if (found.error().message.find(part) == std::string::npos) fail_msg("%s", part.c_str());
}

static void relative_paths_become_absolute(void**) {
  clear_variables();
  const std::string path = make_file("sub/relative.yaml");
  char before[4096];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir((folder + "/sub").c_str()), 0);
  const std::string found = found_at("../sub/./relative.yaml");
  assert_int_equal(chdir(before), 0);
  assert_text_equal(found, path);
}

static void only_files_below_etc_are_of_the_system(void**) {
  clear_variables();
  const std::string own = make_file("etc/fairlead.yaml");
  assert_false(find_config(own)->system_mode);
  const auto passwd = find_config("/etc/../etc//passwd");  // any file that is surely there
  assert_true(passwd.ok());
  assert_true(passwd->system_mode);
  assert_text_equal(passwd->file, "/etc/passwd");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_first_named_place_wins),
      cmocka_unit_test(a_named_file_that_is_missing_is_not_replaced_by_another),
      cmocka_unit_test(finding_nothing_lists_the_places),
      cmocka_unit_test(relative_paths_become_absolute),
      cmocka_unit_test(only_files_below_etc_are_of_the_system),
  };
  return cmocka_run_group_tests_name("config_find", tests, make_folder, remove_folder);
}
