// Which troubles are told, over a virtual clock.
#include "notify/tunnel_watch.hpp"

#include "cmocka.hpp"

using namespace fairlead;
using namespace std::chrono_literals;
using core::Reason;
using core::TunnelState;

namespace {

// Degraded after 10 minutes, failed after 2.
struct Watched {
  notify::TunnelWatch watch{{10min, 2min}};
  base::SteadyTime now{1h};
  std::vector<std::string> told;  // "tunnel_failed hub"
  core::Notice last;

  void tell(const core::Notice& notice) {
    told.push_back(notice.event + " " + notice.subject);
    last = notice;
  }
  void enter(TunnelState state, Reason reason = Reason::none, std::string detail = {},
             std::string tunnel = "hub") {
    if (const auto notice = watch.on_change({std::move(tunnel), state, reason, std::move(detail)}, now, {}))
      tell(*notice);
    pass(0s);
  }
  // The clock moves from due time to due time, as a timer would have it.
  void pass(base::SteadyTime::duration time) {
    const auto end = now + time;
    for (auto next = watch.next_due(); next && *next <= end; next = watch.next_due()) {
      now = std::max(now, *next);
      for (const auto& notice : watch.due(now, {})) tell(notice);
    }
    now = end;
  }
  void assert_told(std::vector<std::string> expected) {
    assert_int_equal(told.size(), expected.size());
    for (std::size_t i = 0; i < told.size(); ++i) assert_text_equal(told[i], expected[i]);
    told.clear();
  }
};

}  // namespace

static void a_loss_longer_than_the_threshold_is_told_once(void**) {
  Watched hub;
  hub.enter(TunnelState::starting);
  hub.enter(TunnelState::connected);
  hub.enter(TunnelState::reconnecting, Reason::auth_refused, "auth refused: publickey");
  hub.pass(119s);
  hub.assert_told({});
  hub.pass(1s);
  assert_text_equal(hub.last.title, "tunnel hub has no connection");
  assert_true(hub.last.text.starts_with("reconnecting, for 2m\nauth refused: publickey\nhint: "));
  assert_true(hub.last.severity == core::Severity::high);
  hub.assert_told({"tunnel_failed hub"});
  hub.pass(24h);
  hub.assert_told({});
  hub.enter(TunnelState::connected);
  assert_text_equal(hub.last.text, "connected, after 1d");
  hub.assert_told({"tunnel_recovered hub"});
  assert_false(hub.watch.next_due().has_value());
}

static void attempts_in_between_do_not_start_the_clock_anew(void**) {
  Watched hub;
  hub.enter(TunnelState::connected);
  for (int i = 0; i < 12; ++i) {
    hub.enter(TunnelState::reconnecting, Reason::connect_refused, "connect refused");
    hub.pass(9s);
    hub.enter(TunnelState::starting);
    hub.pass(1s);
  }
  assert_true(hub.last.text.find("connect refused") != std::string::npos);
  hub.assert_told({"tunnel_failed hub"});
}

static void flapping_below_the_threshold_says_nothing(void**) {
  Watched hub;
  for (int i = 0; i < 50; ++i) {
    hub.enter(TunnelState::reconnecting, Reason::keepalive_lost, "keepalive lost");
    hub.pass(119s);
    hub.enter(TunnelState::connected);
    hub.pass(1s);
  }
  hub.assert_told({});
}

static void degraded_is_told_after_its_own_threshold(void**) {
  Watched hub;
  hub.enter(TunnelState::degraded, Reason::health_failed, "health check failed: HTTP 500");
  hub.pass(9min);
  hub.assert_told({});
  hub.pass(1min);
  hub.assert_told({"tunnel_degraded hub"});
  assert_true(hub.last.text.starts_with("degraded, for 10m\nhealth check failed: HTTP 500"));
  hub.enter(TunnelState::connected);
  hub.assert_told({"tunnel_recovered hub"});
}

// Each state too short for its own threshold, but never connected.
static void alternating_between_two_troubles_is_told(void**) {
  Watched hub;
  for (int i = 0; i < 6; ++i) {
    hub.enter(TunnelState::degraded, Reason::health_failed, "health check failed");
    hub.pass(1min);
    hub.enter(TunnelState::reconnecting, Reason::connection_reset, "connection reset");
    hub.pass(1min);
  }
  hub.assert_told({"tunnel_degraded hub"});
}

static void degraded_may_become_failed_but_not_the_other_way(void**) {
  Watched hub;
  hub.enter(TunnelState::degraded);
  hub.pass(10min);
  hub.enter(TunnelState::reconnecting);
  hub.pass(2min);
  hub.enter(TunnelState::degraded);
  hub.pass(1h);
  hub.enter(TunnelState::reconnecting);
  hub.pass(1h);
  hub.enter(TunnelState::connected);
  hub.assert_told({"tunnel_degraded hub", "tunnel_failed hub", "tunnel_recovered hub"});
}

static void giving_up_is_a_failure_like_any_other(void**) {
  Watched hub;
  hub.enter(TunnelState::reconnecting);
  hub.pass(1min);
  hub.enter(TunnelState::failed, Reason::attempts_exhausted, "attempts exhausted");
  hub.pass(1min);
  hub.assert_told({"tunnel_failed hub"});
}

static void stopped_by_an_operator_is_forgotten(void**) {
  Watched hub;
  hub.enter(TunnelState::reconnecting);
  hub.pass(1min);
  hub.enter(TunnelState::stopped, Reason::by_operator, "by operator");
  hub.pass(1h);
  hub.assert_told({});
  hub.enter(TunnelState::starting);
  hub.pass(2min);
  hub.enter(TunnelState::stopped, Reason::by_operator);
  hub.enter(TunnelState::starting);
  hub.enter(TunnelState::connected);
  hub.assert_told({"tunnel_failed hub"});
}

static void a_repair_of_the_configuration_is_a_recovery(void**) {
  Watched hub;
  hub.enter(TunnelState::reconnecting, Reason::auth_refused, "auth refused");
  hub.pass(2min);
  hub.enter(TunnelState::stopped, Reason::config_changed, "configuration changed");
  hub.enter(TunnelState::starting);
  hub.enter(TunnelState::connected);
  hub.assert_told({"tunnel_failed hub", "tunnel_recovered hub"});
}

static void a_removed_tunnel_is_forgotten(void**) {
  Watched hub;
  hub.enter(TunnelState::reconnecting);
  hub.enter(TunnelState::reconnecting, Reason::none, "", "attic");
  hub.watch.keep_only({{"attic", {}}});
  hub.pass(2min);
  hub.assert_told({"tunnel_failed attic"});
}

static void new_thresholds_hold_for_a_trouble_that_lasts(void**) {
  Watched hub;
  hub.enter(TunnelState::reconnecting);
  hub.pass(1min);
  hub.watch.set_thresholds({10min, 30s});
  hub.pass(0s);
  hub.assert_told({"tunnel_failed hub"});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_loss_longer_than_the_threshold_is_told_once),
      cmocka_unit_test(attempts_in_between_do_not_start_the_clock_anew),
      cmocka_unit_test(flapping_below_the_threshold_says_nothing),
      cmocka_unit_test(degraded_is_told_after_its_own_threshold),
      cmocka_unit_test(alternating_between_two_troubles_is_told),
      cmocka_unit_test(degraded_may_become_failed_but_not_the_other_way),
      cmocka_unit_test(giving_up_is_a_failure_like_any_other),
      cmocka_unit_test(stopped_by_an_operator_is_forgotten),
      cmocka_unit_test(a_repair_of_the_configuration_is_a_recovery),
      cmocka_unit_test(a_removed_tunnel_is_forgotten),
      cmocka_unit_test(new_thresholds_hold_for_a_trouble_that_lasts),
  };
  return cmocka_run_group_tests_name("notify_tunnel_watch", tests, nullptr, nullptr);
}
