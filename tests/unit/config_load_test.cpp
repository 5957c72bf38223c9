// Every file in tests/fixtures/config: good/NAME.yaml loads, shows as good/NAME.shown and comes back from
// that the same; bad/NAME.yaml gives exactly the problems of bad/NAME.problems. With UPDATE_EXPECTED set the
// expected files are written anew instead, to be read with care before they are committed.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/file.hpp"
#include "cmocka.hpp"
#include "config/load.hpp"
#include "config/show.hpp"

using namespace fairlead;
using config::Loaded;
using config::Location;

namespace {

const std::string kFixtures = FAIRLEAD_SOURCE_ROOT "/tests/fixtures/config";

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string text_of(const std::string& path) {
  const auto text = base::read_file(path);
  if (!text) fail_msg("%s", text.error().text().c_str());
  return *text;
}

// The name tells the mode; the folder is made up, so that what is expected does not depend on the machine.
Location location_of(const std::string& name) {
  const bool system_mode = name.starts_with("system_");
  return {(system_mode ? "/etc/fairlead/" : "/home/ops/") + name + ".yaml", system_mode};
}

std::string listed(const std::vector<config::Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += to_string(problem) + '\n';
  return text;
}

void compare(const std::string& path, const std::string& actual) {
  if (std::getenv("UPDATE_EXPECTED")) {
    assert_true(base::replace_file(path, actual, 0644).ok());
    return;
  }
  const std::string expected = text_of(path);
  if (actual != expected)
    fail_msg("%s\n--- expected\n%s--- actual\n%s", path.c_str(), expected.c_str(), actual.c_str());
}

void assert_same(const core::Config& a, const core::Config& b) {
  assert_text_equal(a.file, b.file);
  assert_text_equal(a.path_base, b.path_base);
  assert_text_equal(a.state_dir, b.state_dir);
  assert_text_equal(a.runtime_dir, b.runtime_dir);
  assert_true(a.system_mode == b.system_mode);
  assert_true(a.log_level == b.log_level && a.log_format == b.log_format);
  assert_true(a.roles == b.roles);
  assert_true(a.actors == b.actors);
  assert_true(a.tunnels == b.tunnels);
  assert_true(a.notify == b.notify);
  assert_true(a.policy == b.policy);
  assert_true(a.store == b.store && a.queue == b.queue);
  assert_true(a.worker == b.worker && a.executors == b.executors);
}

}  // namespace

static void good_files_show_as_expected_and_load_again(void**) {
  const auto names = names_in(kFixtures + "/good");
  assert_true(names.size() >= 6);
  for (const auto& name : names) {
    const Location location = location_of(name);
    const Loaded first = config::load_text(text_of(kFixtures + "/good/" + name + ".yaml"), location);
    if (!first.config) fail_msg("%s", listed(first.problems).c_str());
    assert_true(first.problems.empty());
    const std::string shown = config::show_yaml(*first.config);
    compare(kFixtures + "/good/" + name + ".shown", shown);
    const Loaded second = config::load_text(shown, location);
    if (!second.config) fail_msg("%s", listed(second.problems).c_str());
    assert_same(*first.config, *second.config);
  }
}

static void bad_files_tell_every_problem_with_place_and_fix(void**) {
  const auto names = names_in(kFixtures + "/bad");
  assert_true(names.size() >= 20);
  for (const auto& name : names) {
    const Loaded loaded = config::load_text(text_of(kFixtures + "/bad/" + name + ".yaml"), location_of(name));
    if (loaded.config) fail_msg("%s.yaml loads, and should not", name.c_str());
    assert_false(loaded.problems.empty());
    for (const auto& problem : loaded.problems) {
      assert_false(problem.message.empty());
      assert_false(problem.fix.empty());
    }
    compare(kFixtures + "/bad/" + name + ".problems", listed(loaded.problems));
  }
}

static void the_issue_file_means_what_it_says(void**) {
  const Loaded loaded =
      config::load_text(text_of(kFixtures + "/good/bridge_state_hub.yaml"), location_of("x"));
  assert_non_null(loaded.config.get());
  const core::Tunnel& tunnel = loaded.config->tunnels.at("state-hub");
  assert_text_equal(tunnel.host, "hub.example.net");
  assert_int_equal(tunnel.port, 22);
  assert_text_equal(tunnel.ssh_key, "/home/ops/.ssh/id_ops");
  assert_text_equal(tunnel.known_hosts, "/home/ops/.ssh/known_hosts");
  assert_int_equal(tunnel.forwards.size(), 1);
  assert_text_equal(to_string(tunnel.forwards[0]), "remote localhost:18000 -> 127.0.0.1:8000");
  assert_text_equal(tunnel.actor.description, "coding agent on the hub");
  assert_int_equal(tunnel.health_checks.size(), 1);
  assert_true(tunnel.health_checks[0].from == core::Side::remote);
  assert_int_equal(tunnel.health_checks[0].interval.count(), 30000);
  assert_int_equal(tunnel.reconnect.backoff_initial.count(), 5000);
  assert_true(tunnel.autostart);
  assert_true(loaded.config->actors.at("operator.oncall").actor_class == core::ActorClass::human);
}

static void an_unreadable_file_is_one_problem(void**) {
  const Loaded missing = config::load({kFixtures + "/missing.yaml", false});
  assert_int_equal(missing.problems.size(), 1);
  assert_int_equal(missing.problems[0].line, 0);
  assert_true(to_string(missing.problems[0]).starts_with(kFixtures + "/missing.yaml: "));
  const Loaded folder = config::load({kFixtures, false});
  assert_int_equal(folder.problems.size(), 1);
  assert_null(folder.config.get());
}

static void the_packaged_example_loads_in_system_mode(void**) {
  const Loaded loaded = config::load_text(text_of(FAIRLEAD_SOURCE_ROOT "/packaging/examples/fairlead.yaml"),
                                          {"/etc/fairlead/fairlead.yaml", true});
  if (!loaded.config) fail_msg("%s", listed(loaded.problems).c_str());
  assert_false(loaded.config->tunnels.empty());
}

// Each block of YAML in a page is a file but for its tunnels; one inside a list is indented.
static std::vector<Loaded> examples_of(const std::string& page_path) {
  const std::string page = text_of(FAIRLEAD_SOURCE_ROOT "/docs/" + page_path);
  std::vector<Loaded> examples;
  for (auto at = page.find("```yaml\n"); at != std::string::npos; at = page.find("```yaml\n", at + 1)) {
    const auto begin = page.find('\n', at) + 1;
    const std::string indent(at - (page.rfind('\n', at) + 1), ' ');
    const std::string text = page.substr(begin, page.find("```", begin) - begin);
    const auto end = text.rfind('\n') + 1;
    examples.push_back(config::load_text(text.substr(0, end) + indent + "tunnels: {}\n",
                                         {"/etc/fairlead/fairlead.yaml", true}));
    if (!examples.back().config) fail_msg("%s%s", text.c_str(), listed(examples.back().problems).c_str());
  }
  return examples;
}

static void the_examples_of_the_notifications_page_load(void**) {
  const auto examples = examples_of("notifications.md");
  assert_int_equal(examples.size(), 6);
  for (const auto& example : examples) assert_false(example.config->notify.senders.empty());
}

static void the_examples_of_the_executors_page_load(void**) {
  const auto examples = examples_of("executors.md");
  assert_int_equal(examples.size(), 2);
  for (const auto& example : examples) assert_false(example.config->worker.capabilities.empty());
}

// The listener is where it can be dialled; the URL's host stays what a certificate must name.
static void a_store_behind_a_tunnel_is_dialled_at_its_forwards(void**) {
  const Loaded loaded = config::load_text(text_of(kFixtures + "/good/work.yaml"), location_of("x"));
  assert_non_null(loaded.config.get());
  const std::vector<core::StoreDetour> expected = {{"db1.internal", 5432, "127.0.0.1", 15432},
                                                   {"2001:db8::9", 6432, "127.0.0.1", 16432}};
  assert_true(loaded.config->store.detours == expected);
}

static void a_worker_takes_what_its_executors_do_and_the_name_of_its_machine(void**) {
  const Loaded loaded = config::load_text("worker: {}\nexecutors: {sleep: {}, noop: {}}\ntunnels: {}\n",
                                          {"/etc/fairlead/fairlead.yaml", true});
  if (!loaded.config) fail_msg("%s", listed(loaded.problems).c_str());
  char machine[256] = {};
  assert_int_equal(gethostname(machine, sizeof machine - 1), 0);
  assert_text_equal(loaded.config->worker.name, machine);
  assert_text_equal(loaded.config->worker.node, machine);
  assert_true(loaded.config->worker.capabilities == std::vector<std::string>({"noop", "sleep"}));
}

int main() {
  setenv("HOME", "/home/ops", 1);
  setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
  for (const char* variable : {"XDG_CONFIG_HOME", "XDG_STATE_HOME"}) unsetenv(variable);
  const CMUnitTest tests[] = {
      cmocka_unit_test(good_files_show_as_expected_and_load_again),
      cmocka_unit_test(bad_files_tell_every_problem_with_place_and_fix),
      cmocka_unit_test(the_issue_file_means_what_it_says),
      cmocka_unit_test(an_unreadable_file_is_one_problem),
      cmocka_unit_test(the_packaged_example_loads_in_system_mode),
      cmocka_unit_test(a_store_behind_a_tunnel_is_dialled_at_its_forwards),
      cmocka_unit_test(a_worker_takes_what_its_executors_do_and_the_name_of_its_machine),
      cmocka_unit_test(the_examples_of_the_notifications_page_load),
      cmocka_unit_test(the_examples_of_the_executors_page_load),
  };
  return cmocka_run_group_tests_name("config_load", tests, nullptr, nullptr);
}
