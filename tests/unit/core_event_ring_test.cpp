#include "core/event_ring.hpp"

#include <cstring>
#include <string>

#include "cmocka.hpp"

using namespace fairlead;
using core::EventRing;

static std::string bodies_after(const EventRing& ring, std::uint64_t cursor, std::string_view tunnel) {
  std::string out;
  while (const core::Event* event = ring.next(cursor, {.tunnel = std::string(tunnel)})) out += event->body;
  return out;
}

static void reads_in_order_from_a_cursor(void**) {
  EventRing ring(1000, {});
  ring.append("t", "", "a");
  const auto second = ring.append("t", "", "b");
  ring.append("t", "", "c");
  assert_int_equal(second, 1001);
  assert_text_equal(bodies_after(ring, 999, ""), "abc");
  assert_text_equal(bodies_after(ring, second, ""), "c");
  assert_text_equal(bodies_after(ring, ring.last_id(), ""), "");
}

static void a_filter_passes_one_tunnel_and_moves_past_the_rest(void**) {
  EventRing ring(1, {});
  ring.append("t", "attic", "a");
  ring.append("t", "", "daemon");
  ring.append("t", "cellar", "b");
  ring.append("t", "attic", "c");
  ring.append("t", "cellar", "d");
  assert_text_equal(bodies_after(ring, 0, "attic"), "ac");
  std::uint64_t cursor = 4;
  assert_null(ring.next(cursor, {.tunnel = "attic"}));
  assert_int_equal(cursor, ring.last_id());
  const auto tail = ring.tail(1, "attic");
  assert_int_equal(tail.size(), 1);
  assert_text_equal(tail[0]->body, "c");
}

static void keeps_at_most_count_events(void**) {
  EventRing ring(1, {.count = 3, .bytes = 1u << 20});
  for (int i = 0; i < 10; ++i) ring.append("t", "", std::to_string(i));
  assert_text_equal(bodies_after(ring, 7, ""), "789");
  assert_int_equal(ring.tail(100, "").size(), 3);
}

static void keeps_at_most_bytes_but_always_the_newest(void**) {
  EventRing ring(1, {.count = 100, .bytes = 4096});
  for (int i = 0; i < 10; ++i) ring.append("t", "", std::string(1500, 'x'));
  assert_int_equal(ring.tail(100, "").size(), 2);
  ring.append("t", "", std::string(100'000, 'y'));
  assert_int_equal(ring.tail(100, "").size(), 1);
}

static void tells_a_gap_from_a_cursor_that_can_go_on(void**) {
  EventRing ring(100, {.count = 3, .bytes = 1u << 20});
  assert_true(ring.covers(99));  // nothing happened yet, nothing was missed
  assert_false(ring.covers(98));
  for (int i = 0; i < 5; ++i) ring.append("t", "", "x");  // 100..104, kept 102..104
  assert_false(ring.covers(100));
  assert_true(ring.covers(101));
  assert_true(ring.covers(104));
  assert_false(ring.covers(105));  // never given out: a former daemon with a clock ahead of ours
}

static void ids_of_a_former_daemon_are_always_older(void**) {
  const auto start = base::WallTime(std::chrono::milliseconds(1'700'000'000'000));
  EventRing former(core::first_event_id(start), {.count = 10, .bytes = 1u << 20});
  for (int i = 0; i < 200; ++i) former.append("t", "", "x");
  const EventRing fresh(core::first_event_id(start + std::chrono::milliseconds(1)), {});
  assert_false(fresh.covers(former.last_id()));
}

// cJSON prints 15 digits: a larger id would reach clients as 1.7e+15.
static void ids_are_plain_digits_in_json(void**) {
  const auto in_2090 = base::WallTime(std::chrono::milliseconds(3'786'912'000'000));
  const auto id = core::first_event_id(in_2090);
  assert_text_equal(base::Json(id).dump(), std::to_string(id));
}

static void a_listener_may_unsubscribe_while_it_is_told(void**) {
  EventRing ring(1, {});
  int told = 0;
  std::unique_ptr<EventRing::Subscription> once;
  once = ring.subscribe([&] {
    ++told;
    once.reset();
  });
  int always = 0;
  const auto kept = ring.subscribe([&] { ++always; });
  ring.append("t", "", "x");
  ring.append("t", "", "x");
  assert_int_equal(told, 1);
  assert_int_equal(always, 2);
}

static void publishes_under_the_tunnel_that_the_body_names(void**) {
  EventRing ring(1, {});
  core::RingPublisher publisher(ring);
  base::Json body = base::Json::object();
  body.set("tunnel", "attic").set("to", "connected");
  publisher.publish("tunnel_state", body);
  publisher.publish("reload", base::Json::object());
  const auto events = ring.tail(10, "");
  assert_text_equal(events[0]->type, "tunnel_state");
  assert_text_equal(events[0]->tunnel, "attic");
  assert_text_equal(events[0]->body, "{\"tunnel\":\"attic\",\"to\":\"connected\"}");
  assert_text_equal(events[1]->tunnel, "");
}

static void log_lines_carry_their_id_and_keep_numbers_as_strings(void**) {
  EventRing ring(core::first_event_id(base::wall_now()), {});
  base::Log log;
  log.add_sink(core::ring_sink(ring));
  log.info("probe_crossed", {{"tunnel", "attic"}, {"port", 18000}, {"id", "forged"}, {"note", "a\nb"}});
  const auto lines = ring.tail(10, "attic");
  assert_int_equal(lines.size(), 1);
  const auto line = base::Json::parse(lines[0]->body);
  assert_true(line.ok());
  assert_int_equal((*line)["id"].integer(), ring.last_id());
  assert_text_equal((*line)["event"].text(), "probe_crossed");
  assert_true((*line)["port"].is_string());
  assert_text_equal((*line)["port"].text(), "18000");
  assert_null(strchr(lines[0]->body.c_str(), '\n'));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(reads_in_order_from_a_cursor),
      cmocka_unit_test(a_filter_passes_one_tunnel_and_moves_past_the_rest),
      cmocka_unit_test(keeps_at_most_count_events),
      cmocka_unit_test(keeps_at_most_bytes_but_always_the_newest),
      cmocka_unit_test(tells_a_gap_from_a_cursor_that_can_go_on),
      cmocka_unit_test(ids_of_a_former_daemon_are_always_older),
      cmocka_unit_test(ids_are_plain_digits_in_json),
      cmocka_unit_test(a_listener_may_unsubscribe_while_it_is_told),
      cmocka_unit_test(publishes_under_the_tunnel_that_the_body_names),
      cmocka_unit_test(log_lines_carry_their_id_and_keep_numbers_as_strings),
  };
  return cmocka_run_group_tests_name("core_event_ring", tests, nullptr, nullptr);
}
