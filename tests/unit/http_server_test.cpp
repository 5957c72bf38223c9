#include "http/server.hpp"

#include <sys/stat.h>

#include "http_house.hpp"

using namespace house;

namespace {

Service echo() {
  Service service;
  service.function = [](const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
    responder->answer({200, "text/plain", request.method + " " + request.path + " " + request.body, {}});
  };
  return service;
}

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

static void hands_over_the_request_and_who_sent_it(void**) {
  core::ServerRequest seen;
  Service service;
  service.function = [&](const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
    seen = request;
    responder->answer({201, "application/json", "{}", {{"X-Extra", "1"}}});
  };
  House house(service);
  auto request = house.request("POST", "/v1/a%20b?x=1&y=%2F", "the body");
  request.headers = {{"Last-Event-ID", "7"}};
  assert_int_equal(House::answer(house.ask(request)).status, 201);
  assert_text_equal(seen.method, "POST");
  assert_text_equal(seen.path, "/v1/a b");
  assert_text_equal(seen.parameter("y").value_or("none"), "/");
  assert_text_equal(seen.header("last-event-id").value_or("none"), "7");
  assert_text_equal(seen.body, "the body");
  assert_int_equal(seen.caller.uid, geteuid());
  assert_int_equal(seen.caller.gid, getegid());
}

static void a_request_waits_until_its_caller_is_known(void**) {
  int handled = 0;
  Service service;
  service.function = [&](const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
    ++handled;
    responder->answer({200, "text/plain", request.caller.name + " " + request.body, {}});
  };
  bool known = false;
  House house(service, {}, [&](std::uint32_t uid, std::uint32_t gid) -> std::optional<core::Caller> {
    if (known) return core::Caller{uid, gid, "anna", core::Role::viewer};
    return std::nullopt;
  });
  Peer leaves(house.path());
  leaves.send(kGet);
  Peer stays(house.path());
  stays.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  house.until([&] { return house.server->connections() == 2; }, "two connections");
  run_for(house.loop, 50ms);
  house.server->callers_known();  // somebody is, but not these
  run_for(house.loop, 50ms);
  assert_int_equal(handled, 0);
  leaves.close();
  known = true;
  house.server->callers_known();
  house.until([&] { return stays.has("anna body"); }, "the answer");
  house.until([&] { return house.server->connections() == 1; }, "the other's end");
}

static void a_caller_that_never_becomes_known_meets_the_deadline(void**) {
  Service service = echo();
  http::ServerLimits limits;
  limits.request_deadline = 50ms;
  House house(service, limits,
              [](std::uint32_t, std::uint32_t) -> std::optional<core::Caller> { return std::nullopt; });
  Peer peer(house.path());
  peer.send(kGet);
  house.until([&] { return peer.closed(); }, "the connection's end");
  assert_text_equal(peer.read(), "");
  house.until([&] { return house.server->connections() == 0; }, "no connection");
}

// The library's resume does not wake its epoll descriptor: without a run of our own this would wait for ever.
static void an_answer_that_comes_later_leaves_by_itself(void**) {
  Service service;
  std::shared_ptr<core::Responder> kept;
  service.function = [&](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    kept = std::move(responder);
  };
  House house(service);
  loop::Timer later(house.loop, "later", [&] {
    if (!kept) return later.start(50ms);  // on a busy machine the request takes its time
    kept->answer({200, "text/plain", "late", {}});
  });
  later.start(50ms);
  assert_text_equal(house.get("/").body, "late");
  kept->answer({500, "text/plain", "twice", {}});  // ignored
}

static void a_request_dropped_without_an_answer_gets_500(void**) {
  Service service;
  service.function = [](const core::ServerRequest&, std::shared_ptr<core::Responder>) {};
  House house(service);
  const auto response = house.get("/");
  assert_int_equal(response.status, 500);
  assert_text_equal((*base::Json::parse(response.body))["code"].text(), "internal");
}

static void answering_a_client_that_left_is_harmless(void**) {
  Service service;
  std::shared_ptr<core::Responder> kept;
  service.function = [&](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    kept = std::move(responder);
  };
  House house(service);
  Peer peer(house.path());
  peer.send(kGet);
  house.until([&] { return kept != nullptr; }, "the request");
  peer.close();
  kept->answer({200, "text/plain", std::string(3'000'000, 'x'), {}});
  house.until([&] { return house.server->connections() == 0; }, "the connection's end");
  kept->answer({200, "text/plain", "again", {}});
}

static void a_trickling_request_ends_at_its_deadline(void**) {
  Service service = echo();
  House house(service, {.request_deadline = 150ms});
  Peer peer(house.path());
  peer.send("GET / HTTP/1.1\r\n");
  loop::Timer drip(house.loop, "drip", [&] { peer.send("X-A: b\r\n"); });  // never idle, never complete
  drip.start_repeating(10ms);
  house.until([&] { return peer.closed(); }, "the slow connection's end");
  house.until([&] { return house.server->connections() == 0; }, "its place being free");
}

static void a_trickling_body_ends_at_the_same_deadline(void**) {
  Service service = echo();
  House house(service, {.request_deadline = 150ms});
  Peer peer(house.path());
  peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  loop::Timer drip(house.loop, "drip", [&] { peer.send("x"); });
  drip.start_repeating(10ms);
  house.until([&] { return peer.closed(); }, "the slow connection's end");
}

static void a_kept_connection_has_the_deadline_for_its_next_request(void**) {
  Service service = echo();
  House house(service, {.request_deadline = 3s});  // longer than a busy machine stands still between the two
  Peer peer(house.path());
  peer.send(kGet);
  house.until([&] { return peer.has("GET /"); }, "the first answer");
  assert_false(peer.closed());
  peer.send(kGet);
  house.until([&] { return peer.closed(); }, "the idle connection's end");
  assert_true(peer.read().find("HTTP/1.1 200", 10) != std::string::npos);  // the second one was answered
}

static void an_answer_nobody_reads_ends_at_its_deadline(void**) {
  Service service;
  service.function = [](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    responder->answer({200, "text/plain", std::string(8'000'000, 'x'), {}});
  };
  House house(service, {.answer_deadline = 3s});  // so that the connection is seen before
  Peer peer(house.path());
  peer.send(kGet);
  house.until([&] { return house.server->connections() == 1; }, "the connection");
  house.until([&] { return house.server->connections() == 0; }, "its end");
}

static void a_body_too_large_is_413_and_never_reaches_the_service(void**) {
  Service service;
  int calls = 0;
  service.function = [&](const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
    ++calls;
    responder->answer({200, "text/plain", std::to_string(request.body.size()), {}});
  };
  House house(service, {.max_body = 1000});
  assert_text_equal(house.post("/", std::string(1000, 'x')).body, "1000");
  assert_int_equal(calls, 1);

  Peer announced(house.path());
  announced.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  house.until([&] { return announced.has("\r\n\r\n") && announced.has("too_large"); }, "an answer");
  assert_true(announced.has("HTTP/1.1 413"));

  Peer chunked(house.path());
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) chunked.send("200\r\n" + std::string(512, 'x') + "\r\n");
  chunked.send("0\r\n\r\n");
  house.until([&] { return chunked.has("HTTP/1.1 413"); }, "an answer to the chunked body");
  assert_int_equal(calls, 1);
}

static void what_is_not_http_is_refused_without_the_service(void**) {
  Service service;
  service.function = [](const core::ServerRequest&, std::shared_ptr<core::Responder>) {
    fail_msg("the service was asked");
  };
  House house(service);
  Peer noise(house.path());
  noise.send("\x16\x03\x01 nonsense\r\n\r\n");
  house.until([&] { return noise.closed(); }, "the end of the noise");
  Peer head(house.path());
  head.send("GET / HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 40; ++i) head.send("X-" + std::to_string(i) + ": " + std::string(1000, 'a') + "\r\n");
  house.until([&] { return head.closed(); }, "the end of the long head");
  assert_true(head.has("HTTP/1.1 431") || head.has("HTTP/1.1 413"));
}

static void two_thousand_idle_connections_keep_nobody_out(void**) {
  Service service = echo();
  House house(service);
  std::vector<std::unique_ptr<Peer>> idle;
  int turned_away = 0;  // the kernel's queue was full at that moment
  std::size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    idle.push_back(std::make_unique<Peer>(house.path()));
    if (!idle.back()->connected()) ++turned_away;
    // Turns and not a time: in that a busy machine may have made none.
    if (const auto turns = house.loop.turns(); i % 50 == 0)
      house.until([&] { return house.loop.turns() >= turns + 10; }, "some turns");
    most = std::max(most, house.server->connections());
  }
  assert_true(turned_away < 1500);
  assert_true(most <= 128);
  // A slow machine has not taken all of them from the kernel's queue yet.
  house.until([&] { return Peer(house.path()).connected(); }, "room in the queue");
  for (int i = 0; i < 20; ++i) assert_int_equal(house.get("/").status, 200);
}

static void a_viewer_cannot_take_all_connections(void**) {
  Service service = echo();
  const auto viewer = [](std::uint32_t uid, std::uint32_t gid) {
    return core::Caller{uid, gid, "viewer", core::Role::viewer};
  };
  House house(service, {.max_per_viewer = 4}, viewer);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 10; ++i) peers.push_back(std::make_unique<Peer>(house.path()));
  house.until([&] { return peers.back()->closed(); }, "the last one's end");
  assert_int_equal(house.server->connections(), 4);
  assert_false(peers.front()->closed());
}

static void stop_lets_an_answer_finish_and_then_reports(void**) {
  Service service;
  std::shared_ptr<core::Responder> kept;
  service.function = [&](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    kept = std::move(responder);
  };
  House house(service);
  Peer idle(house.path());
  Peer busy(house.path());
  busy.send(kGet);
  house.until([&] { return kept != nullptr; }, "the request");
  bool stopped = false;
  house.server->stop(kGenerous, [&] {
    stopped = true;
    house.server.reset();  // allowed
  });
  house.until([&] { return idle.closed(); }, "the idle connection's end");
  assert_false(stopped);
  kept->answer({200, "text/plain", "finished", {}});
  house.until([&] { return stopped; }, "the stop");
  assert_true(busy.has("finished"));
  assert_false(Peer(house.path()).connected());
}

static void stop_does_not_wait_past_its_deadline(void**) {
  Service service;
  std::shared_ptr<core::Responder> kept;
  service.function = [&](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    kept = std::move(responder);
  };
  House house(service);
  Peer busy(house.path());
  busy.send(kGet);
  house.until([&] { return kept != nullptr; }, "the request");
  bool stopped = false;
  house.server->stop(50ms, [&] { stopped = true; });
  house.until([&] { return stopped; }, "the stop");
  assert_true(busy.closed());
  kept->answer({200, "text/plain", "too late", {}});  // harmless
}

static void an_idle_server_does_not_turn_the_loop(void**) {
  Service service = echo();
  House house(service);
  Peer idle(house.path());
  assert_int_equal(house.get("/").status, 200);
  run_for(house.loop, 20ms);
  const auto before = house.loop.turns();
  run_for(house.loop, 300ms);
  assert_true(house.loop.turns() - before < 20);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(hands_over_the_request_and_who_sent_it),
      cmocka_unit_test(a_request_waits_until_its_caller_is_known),
      cmocka_unit_test(a_caller_that_never_becomes_known_meets_the_deadline),
      cmocka_unit_test(an_answer_that_comes_later_leaves_by_itself),
      cmocka_unit_test(a_request_dropped_without_an_answer_gets_500),
      cmocka_unit_test(answering_a_client_that_left_is_harmless),
      cmocka_unit_test(a_trickling_request_ends_at_its_deadline),
      cmocka_unit_test(a_trickling_body_ends_at_the_same_deadline),
      cmocka_unit_test(a_kept_connection_has_the_deadline_for_its_next_request),
      cmocka_unit_test(an_answer_nobody_reads_ends_at_its_deadline),
      cmocka_unit_test(a_body_too_large_is_413_and_never_reaches_the_service),
      cmocka_unit_test(what_is_not_http_is_refused_without_the_service),
      cmocka_unit_test(two_thousand_idle_connections_keep_nobody_out),
      cmocka_unit_test(a_viewer_cannot_take_all_connections),
      cmocka_unit_test(stop_lets_an_answer_finish_and_then_reports),
      cmocka_unit_test(stop_does_not_wait_past_its_deadline),
      cmocka_unit_test(an_idle_server_does_not_turn_the_loop),
  };
  return cmocka_run_group_tests_name("http_server", tests, nullptr, nullptr);
}
