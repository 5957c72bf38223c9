// The rules for single values, by tables, and the bounds that keep a hostile file cheap.
#include <cstdlib>
#include <string>

#include "cmocka.hpp"
#include "config/endpoint.hpp"
#include "config/load.hpp"
#include "config/mask.hpp"
#include "config/parse.hpp"
#include "config/paths.hpp"
#include "config/show.hpp"

using namespace fairlead;
using namespace fairlead::config;

namespace {

const Location kUserFile = {"/home/ops/fairlead.yaml", false};

std::string tunnel_with(const std::string& lines) {
  return "tunnels:\n  hub:\n    host: h\n    ssh_user: u\n    forwards: [{local: 1, to: 2}]\n" + lines;
}

const core::Tunnel& hub_of(const Loaded& loaded) {
  if (!loaded.config) fail_msg("%s", to_string(loaded.problems.at(0)).c_str());
  return loaded.config->tunnels.at("hub");
}

}  // namespace

static void endpoints_have_default_hosts_and_brackets(void**) {
  struct Row {
    const char* text;
    const char* expected;  // null: refused
  };
  constexpr Row kRows[] = {
      {"8000", "localhost:8000"},
      {"h:1", "h:1"},
      {"10.0.0.5:80", "10.0.0.5:80"},
      {"[::1]:65535", "[::1]:65535"},
      {"[fe80::1%eth0]:22", "[fe80::1%eth0]:22"},
      {"0", nullptr},
      {"65536", nullptr},
      {"", nullptr},
      {"h:", nullptr},
      {":1", nullptr},
      {"::1:80", nullptr},
      {"[::1]", nullptr},
      {"[h]:80", nullptr},
      {"10.1:80", nullptr},
      {"-x:80", nullptr},
      {"h:+80", nullptr},
      {"h:080", nullptr},
      {"a b:80", nullptr},
      {"/run/x", nullptr},
  };
  for (const auto& row : kRows) {
    core::Endpoint endpoint;
    const auto refusal = parse_endpoint(row.text, "localhost", endpoint);
    if (refusal.has_value() == (row.expected != nullptr)) fail_msg("%s", row.text);
    if (row.expected) assert_text_equal(to_string(endpoint), row.expected);
  }
}

static void urls_need_a_host(void**) {
  for (const char* good :
       {"http://h", "https://h:1/x?y#z", "http://u:p@[::1]:80/", "HTTP://h/", "http://[::1]/"})
    if (check_url(good)) fail_msg("%s", good);
  for (const char* bad : {"", "h", "ftp://h", "http://", "http:///x", "http://h:0/", "http://h:99999/",
                          "http://a b/", "http://h/\xc3\xbc", "http://u@/", "http://::1/"})
    if (!check_url(bad)) fail_msg("%s", bad);
}

static void secrets_in_urls_are_masked(void**) {
  assert_text_equal(mask_url("http://h/x?n=1#t"), "http://h/x?n=1#t");
  assert_text_equal(mask_url("http://ops:secret@h:1/x"), "http://***@h:1/x");
  assert_text_equal(mask_url("http://a@b:c@h/"), "http://***@h/");
  assert_text_equal(mask_url("http://h/@x"), "http://h/@x");
  assert_text_equal(mask_url("http://h?n=1&API_Key=k&token=t&#f"), "http://h?n=1&API_Key=***&token=***&#f");
}

static void shows_no_secret_anywhere(void**) {
  const auto loaded =
      load_text(tunnel_with("    health_check: {url: \"http://ops:hunter2@h/?token=hunter3\"}\n"), kUserFile);
  assert_text_equal(hub_of(loaded).health_checks.at(0).url, "http://ops:hunter2@h/?token=hunter3");
  const std::string yaml = show_yaml(*loaded.config);
  const std::string json = show_json(*loaded.config).dump();
  assert_true(yaml.find("http://***@h/?token=***") != std::string::npos);
  assert_true(json.find("http://***@h/?token=***") != std::string::npos);
  assert_true((yaml + json).find("hunter") == std::string::npos);
}

static void json_tells_the_same_as_yaml(void**) {
  const auto loaded =
      load_text(tunnel_with("    connect_timeout: 1500ms\n    autostart: false\n"), kUserFile);
  hub_of(loaded);
  const auto json = show_json(*loaded.config);
  assert_text_equal(json["mode"].text(), "user");
  assert_text_equal(json["path_base"].text(), "/home/ops");
  const auto tunnel = json["tunnels"]["hub"];
  assert_true(tunnel["connect_timeout_seconds"].number() == 1.5);
  assert_false(tunnel["autostart"].boolean(true));
  assert_text_equal(tunnel["forwards"].at(0)["local"].text(), "localhost:1");
  assert_text_equal(tunnel["actor"].text(), "fairlead");
}

static void fractions_of_a_second_are_kept(void**) {
  struct Row {
    const char* text;
    int millis;
  };
  for (const Row row :
       {Row{"1.001", 1001}, {"2.29", 2290}, {"90", 90000}, {"1.5m", 90000}, {"\"4s\"", 4000}}) {
    const auto loaded = load_text(tunnel_with("    connect_timeout: " + std::string(row.text)), kUserFile);
    assert_int_equal(hub_of(loaded).connect_timeout.count(), row.millis);
  }
}

static void what_is_written_overrides_what_is_merged(void**) {
  const std::string text =
      "x-old: &old {connect_timeout_seconds: 3, remote_port: 1, local_port: 1, host: merged, ssh_user: u}\n"
      "x-new: &new {connect_timeout: 4s, forwards: [{remote: 2, to: 2}], host: merged, ssh_user: u}\n"
      "tunnels: {hub: {<<: *old, host: h, connect_timeout: 7s, forwards: [{local: 5, to: 6}]},\n"
      "          older: {<<: *new, host: i, connect_timeout_seconds: 8, remote_port: 9, local_port: 10},\n"
      "          plain: {<<: *old}}\n";
  const auto loaded = load_text(text, kUserFile);
  assert_text_equal(hub_of(loaded).host, "h");
  assert_int_equal(hub_of(loaded).connect_timeout.count(), 7000);
  assert_text_equal(to_string(hub_of(loaded).forwards.at(0)), "local localhost:5 -> 127.0.0.1:6");
  const core::Tunnel& older = loaded.config->tunnels.at("older");
  assert_int_equal(older.connect_timeout.count(), 8000);
  assert_int_equal(older.forwards.size(), 1);
  assert_text_equal(to_string(older.forwards[0]), "remote localhost:9 -> 127.0.0.1:10");
  assert_text_equal(loaded.config->tunnels.at("plain").host, "merged");
  assert_int_equal(loaded.config->tunnels.at("plain").connect_timeout.count(), 3000);
}

static void a_tunnel_without_an_actor_acts_as_fairlead(void**) {
  const auto plain = load_text(tunnel_with(""), kUserFile);
  assert_text_equal(hub_of(plain).actor.name, "fairlead");
  assert_true(hub_of(plain).actor.actor_class == core::ActorClass::automation);
  const auto described = load_text(tunnel_with("actors: {fairlead: {description: own}}\n"), kUserFile);
  assert_text_equal(hub_of(described).actor.description, "own");
}

static void paths_follow_the_mode(void**) {
  struct Row {
    const char* written;
    const char* user;  // null: refused
    const char* system;
  };
  constexpr Row kRows[] = {
      {"~", "/home/ops", "/etc/fairlead"},
      {"~/k", "/home/ops/k", "/etc/fairlead/k"},
      {"k/../j", "/home/ops/j", "/etc/fairlead/j"},
      {"./k", "/home/ops/k", "/etc/fairlead/k"},
      {"../../../../k", "/k", "/k"},
      {"/a//b/", "/a/b", "/a/b"},
      {"~root/k", nullptr, nullptr},
  };
  Surroundings here;
  here.home = "/home/ops";
  here.state_home = "/home/ops/.local/state";
  const PathRules user(kUserFile, here);
  const PathRules system({"/etc/fairlead/fairlead.yaml", true}, here);
  for (const auto& row : kRows) {
    assert_text_equal(user.resolve(row.written).value_or("-"), row.user ? row.user : "-");
    assert_text_equal(system.resolve(row.written).value_or("-"), row.system ? row.system : "-");
  }
  assert_text_equal(user.runtime_dir("/s"), "/s/run");
  assert_text_equal(system.runtime_dir("/s"), "/run/fairlead");
}

static void a_thousand_tunnels_fit(void**) {
  std::string text = "tunnels:\n";
  for (int i = 1; i <= 1000; ++i)
    text +=
        "  t" + std::to_string(i) +
        ":\n    host: hub.example.net\n    ssh_user: ops\n    ssh_key: ~/.ssh/id_ops\n    actor: a\n"
        "    forwards: [{remote: " +
        std::to_string(10000 + i) +
        ", to: 8000}]\n"
        "    health_check: {url: \"http://127.0.0.1:18000/health\", interval_seconds: 30, fall: 3}\n"
        "    reconnect: {max_attempts: 0, backoff_initial: 5, backoff_max: 60}\n"
        "    keepalive: {interval: 4s, user_timeout: 12s}\n    connect_timeout: 10s\n    autostart: true\n";
  const auto loaded = load_text(text + "actors: {a: }\n", kUserFile);
  if (!loaded.config) fail_msg("%s", to_string(loaded.problems.at(0)).c_str());
  assert_int_equal(loaded.config->tunnels.size(), 1000);
}

static void a_flood_of_problems_is_cut(void**) {
  std::string text = "tunnels: {}\n";
  for (int i = 0; i < 20000; ++i) text += "unknown_key_" + std::to_string(i) + ": 1\n";
  const auto loaded = load_text(text, kUserFile);
  assert_null(loaded.config.get());
  assert_in_range(loaded.problems.size(), 100, 1000);
  assert_text_equal(loaded.problems.back().message, "there are more problems than are shown");
}

static void a_file_over_the_limit_is_refused(void**) {
  const auto loaded = load_text("tunnels: {}\n" + std::string(kMostBytes, '\n'), kUserFile);
  assert_null(loaded.config.get());
  assert_int_equal(loaded.problems.size(), 1);
}

static void without_a_home_the_user_mode_says_so(void**) {
  setenv("HOME", "relative", 1);  // not a home; what the user database has is taken then
  const auto loaded = load_text("tunnels: {}\n", kUserFile);
  setenv("HOME", "/home/ops", 1);
  if (loaded.config)
    assert_true(loaded.config->path_base.starts_with('/') && loaded.config->path_base != "/home/ops");
  else
    assert_text_equal(loaded.problems.at(0).fix, "set HOME");
}

int main() {
  setenv("HOME", "/home/ops", 1);
  for (const char* variable : {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"}) unsetenv(variable);
  const CMUnitTest tests[] = {
      cmocka_unit_test(endpoints_have_default_hosts_and_brackets),
      cmocka_unit_test(urls_need_a_host),
      cmocka_unit_test(secrets_in_urls_are_masked),
      cmocka_unit_test(shows_no_secret_anywhere),
      cmocka_unit_test(json_tells_the_same_as_yaml),
      cmocka_unit_test(fractions_of_a_second_are_kept),
      cmocka_unit_test(what_is_written_overrides_what_is_merged),
      cmocka_unit_test(a_tunnel_without_an_actor_acts_as_fairlead),
      cmocka_unit_test(paths_follow_the_mode),
      cmocka_unit_test(a_thousand_tunnels_fit),
      cmocka_unit_test(a_flood_of_problems_is_cut),
      cmocka_unit_test(a_file_over_the_limit_is_refused),
      cmocka_unit_test(without_a_home_the_user_mode_says_so),
  };
  return cmocka_run_group_tests_name("config_values", tests, nullptr, nullptr);
}
