#include "core/config_diff.hpp"

#include <functional>

#include "cmocka.hpp"

using namespace fairlead;
using Names = std::vector<std::string>;
using namespace std::chrono_literals;

namespace {

core::Tunnel tunnel() {
  core::Tunnel made;
  made.host = "hub.example";
  made.actor = {"agent.hub", core::ActorClass::automation, "it"};
  made.forwards = {{core::ForwardKind::remote, {"localhost", 18000}, {"127.0.0.1", 8000}}};
  made.health_checks = {{"http://127.0.0.1:18000/"}};
  return made;
}

core::Config config(std::initializer_list<const char*> names) {
  core::Config made;
  for (const auto* name : names) made.tunnels[name] = tunnel();
  return made;
}

}  // namespace

static void names_fall_into_four_groups_in_order(void**) {
  const auto now = config({"d", "b", "a", "c"});
  auto next = config({"e", "c", "b", "aa", "d"});
  next.tunnels["d"].port = 2222;
  next.tunnels["b"].autostart = false;
  const auto diff = core::diff_tunnels(now, next);
  assert_true(diff.added == Names({"aa", "e"}));
  assert_true(diff.removed == Names({"a"}));
  assert_true(diff.changed == Names({"b", "d"}));
  assert_true(diff.unchanged == Names({"c"}));
}

static void the_first_configuration_adds_all_and_the_last_removes_all(void**) {
  const auto all = config({"a", "b"});
  assert_true(core::diff_tunnels({}, all).added == Names({"a", "b"}));
  assert_true(core::diff_tunnels(all, {}).removed == Names({"a", "b"}));
  assert_true(core::diff_tunnels(all, all).unchanged == Names({"a", "b"}));
}

static void what_is_not_of_the_tunnel_changes_no_tunnel(void**) {
  const auto now = config({"a"});
  auto next = config({"a"});
  next.generation = 7;
  next.file = "/elsewhere";
  next.log_level = base::Level::debug;
  next.actors["new"] = {};
  assert_true(core::diff_tunnels(now, next).unchanged == Names({"a"}));
}

// A member that is left out of the comparison would go on as it was after a reload.
static void every_member_of_a_tunnel_counts(void**) {
  const std::function<void(core::Tunnel&)> changes[] = {
      [](auto& t) { t.host += "x"; },
      [](auto& t) { t.port = 23; },
      [](auto& t) { t.ssh_user += "x"; },
      [](auto& t) { t.ssh_key += "x"; },
      [](auto& t) { t.ssh_key_passphrase_file += "x"; },
      [](auto& t) { t.known_hosts += "x"; },
      [](auto& t) { t.host_key = core::HostKeyPolicy::accept_new; },
      [](auto& t) { t.actor.name += "x"; },
      [](auto& t) { t.actor.actor_class = core::ActorClass::human; },
      [](auto& t) { t.actor.description += "x"; },
      [](auto& t) { t.forwards.push_back(t.forwards[0]); },
      [](auto& t) { t.forwards[0].kind = core::ForwardKind::local; },
      [](auto& t) { t.forwards[0].listen.host = "::"; },
      [](auto& t) { t.forwards[0].listen.port = 1; },
      [](auto& t) { t.forwards[0].target.host = "::1"; },
      [](auto& t) { t.forwards[0].target.port = 1; },
      [](auto& t) { t.health_checks.clear(); },
      [](auto& t) { t.health_checks[0].url += "x"; },
      [](auto& t) { t.health_checks[0].from = core::Side::local; },
      [](auto& t) { t.health_checks[0].interval += 1ms; },
      [](auto& t) { t.health_checks[0].timeout += 1ms; },
      [](auto& t) { ++t.health_checks[0].fall; },
      [](auto& t) { ++t.health_checks[0].rise; },
      [](auto& t) { ++t.reconnect.max_attempts; },
      [](auto& t) { t.reconnect.backoff_initial += 1ms; },
      [](auto& t) { t.reconnect.backoff_max += 1ms; },
      [](auto& t) { t.keepalive.interval += 1ms; },
      [](auto& t) { t.keepalive.user_timeout += 1ms; },
      [](auto& t) { t.connect_timeout += 1ms; },
      [](auto& t) { t.autostart = false; },
  };
  const auto now = config({"a"});
  int index = 0;
  for (const auto& change : changes) {
    auto next = config({"a"});
    change(next.tunnels["a"]);
    if (core::diff_tunnels(now, next).changed != Names({"a"})) fail_msg("change %d went unseen", index);
    ++index;
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(names_fall_into_four_groups_in_order),
      cmocka_unit_test(the_first_configuration_adds_all_and_the_last_removes_all),
      cmocka_unit_test(what_is_not_of_the_tunnel_changes_no_tunnel),
      cmocka_unit_test(every_member_of_a_tunnel_counts),
  };
  return cmocka_run_group_tests_name("core_config_diff", tests, nullptr, nullptr);
}
