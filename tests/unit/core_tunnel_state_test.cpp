#include <set>

#include "cmocka.hpp"
#include "core/tunnel_state.hpp"

using namespace fairlead::core;

constexpr TunnelState kStates[] = {TunnelState::stopped,  TunnelState::starting,     TunnelState::connected,
                                   TunnelState::degraded, TunnelState::reconnecting, TunnelState::failed};

static void every_state_but_stopped_can_be_stopped(void**) {
  for (const auto state : kStates) {
    const auto* transition = find_transition(state, TunnelEvent::stop);
    if (state == TunnelState::stopped)
      assert_null(transition);
    else
      assert_true(transition != nullptr && transition->to == TunnelState::stopped);
  }
}

static void no_pair_of_state_and_event_stands_twice(void**) {
  std::set<std::pair<TunnelState, TunnelEvent>> seen;
  for (const auto& row : tunnel_transitions()) assert_true(seen.insert({row.from, row.event}).second);
}

static void connected_is_reached_only_when_ready_or_recovered(void**) {
  for (const auto& row : tunnel_transitions())
    if (row.to == TunnelState::connected)
      assert_true(row.event == TunnelEvent::ready || row.event == TunnelEvent::healthy);
}

static void every_state_can_be_reached(void**) {
  std::set<TunnelState> reached = {TunnelState::stopped};
  for (int i = 0; i < 6; ++i)
    for (const auto& row : tunnel_transitions())
      if (reached.count(row.from) != 0) reached.insert(row.to);
  for (const auto state : kStates) assert_int_equal(reached.count(state), 1);
}

static void reasons_are_indexed_by_their_value_and_explain_themselves(void**) {
  std::set<std::string_view> ids;
  int index = 0;
  for (const auto& row : all_reasons()) {
    assert_int_equal(static_cast<int>(row.reason), index++);
    assert_true(ids.insert(row.id).second);
    const bool self_evident = row.reason == Reason::none || row.reason == Reason::by_operator ||
                              row.reason == Reason::config_changed;
    if (!self_evident) assert_true(!row.text.empty() && !row.hint.empty());
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_state_but_stopped_can_be_stopped),
      cmocka_unit_test(no_pair_of_state_and_event_stands_twice),
      cmocka_unit_test(connected_is_reached_only_when_ready_or_recovered),
      cmocka_unit_test(every_state_can_be_reached),
      cmocka_unit_test(reasons_are_indexed_by_their_value_and_explain_themselves),
  };
  return cmocka_run_group_tests_name("core_tunnel_state", tests, nullptr, nullptr);
}
