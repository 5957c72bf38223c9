// The routes as a client sees them: libcurl, a UNIX socket, the server, and a daemon made of a map.
#include "api_site.hpp"

using namespace house;

namespace {

// Everything that changes something, and a body that it would take.
struct Change {
  const char* method;
  const char* path;
  const char* body;
};
constexpr Change kChanges[] = {
    {"POST", "/v1/tunnels/attic/up", ""},
    {"POST", "/v1/tunnels/cellar/down", ""},
    {"POST", "/v1/tunnels/attic/restart", ""},
    {"POST", "/v1/tunnels/cellar/reconnect", ""},
    {"POST", "/v1/reload", ""},
    {"POST", "/v1/notify/phone/test", ""},
    {"PUT", "/v1/log-level", "{\"level\":\"debug\"}"},
    {"POST", "/v1/tasks", "{\"version\":1,\"kind\":\"noop\"}"},
    {"POST", "/v1/tasks/7/cancel", ""},
    {"POST", "/v1/tasks/7/retry", ""},
    {"POST", "/v1/tasks/7/requeue", ""},
    {"POST", "/v1/workers/attic/drain", ""},
    {"POST", "/v1/queue/pause", ""},
    {"POST", "/v1/queue/resume", ""},
};
constexpr const char* kReads[] = {"/v1/version",      "/v1/status",  "/v1/policy", "/v1/tunnels/attic",
                                  "/v1/log-level",    "/v1/logs",    "/v1/tasks",  "/v1/tasks/7",
                                  "/v1/tasks/7/logs", "/v1/workers", "/v1/queue",  "/metrics"};

}  // namespace

static void shows_version_status_and_tunnels(void**) {
  Site site;
  assert_text_equal(site.json("GET", "/v1/version").dump(), R"({"version":"0.1.0","api":1,"pid":42})");
  site.events.append("reload", "", "{}");
  const auto status = site.json("GET", "/v1/status");
  assert_text_equal(status["schema"].text(), "fairlead.status/1");
  assert_int_equal(status["last_event_id"].integer(), 1000);
  assert_int_equal(status["tunnels"].size(), 2);
  assert_text_equal(site.json("GET", "/v1/tunnels/cellar")["state"].text(), "connected");
}

static void moves_a_tunnel_and_shows_it_right_after(void**) {
  Site site;
  assert_text_equal(site.json("POST", "/v1/tunnels/attic/up")["state"].text(), "starting");
  assert_text_equal(site.json("POST", "/v1/tunnels/cellar/reconnect")["state"].text(), "reconnecting");
  assert_text_equal(site.json("POST", "/v1/tunnels/cellar/restart")["state"].text(), "starting");
  assert_text_equal(site.json("POST", "/v1/tunnels/cellar/down")["state"].text(), "stopped");
  assert_int_equal(site.control.done.size(), 4);
  assert_text_equal(site.control.done[0], "up attic by anna");
}

static void a_test_message_answers_with_its_outcome(void**) {
  Site site;
  const auto sent = site.json("POST", "/v1/notify/phone/test");
  assert_text_equal(sent["sender"].text(), "phone");
  assert_text_equal(sent["outcome"].text(), "delivered");
  assert_text_equal(site.refused(503, "POST", "/v1/notify/hook/test"), "unavailable");
  assert_text_equal(site.control.done.at(0), "test phone by anna");
}

static void refuses_what_is_so_already_and_what_does_not_exist(void**) {
  Site site;
  assert_text_equal(site.refused(409, "POST", "/v1/tunnels/attic/down"), "already");
  assert_text_equal(site.refused(404, "POST", "/v1/tunnels/nowhere/up"), "not_found");
  assert_text_equal(site.refused(404, "GET", "/v1/tunnels/nowhere"), "not_found");
  for (const char* path : {"/", "/v1", "/v1/tunnels", "/v1/tunnels/", "/v1/tunnels//up", "/v1/status/",
                           "/v1/tunnels/attic/explode", "/v2/status", "/v1/tunnels/a/b/c"})
    assert_text_equal(site.refused(404, "GET", path), "not_found");
}

static void names_the_allowed_methods(void**) {
  Site site;
  Peer peer(site.house.path());
  peer.send("DELETE /v1/log-level HTTP/1.1\r\nHost: x\r\n\r\n");
  site.house.until([&] { return peer.has("}"); }, "an answer");
  assert_true(peer.has("HTTP/1.1 405"));
  assert_true(peer.has("Allow: GET, PUT\r\n"));
  assert_true(peer.has("Content-Type: application/problem+json\r\n"));
  assert_int_equal(site.ask("HEAD", "/v1/status").status, 405);
  assert_text_equal(site.refused(405, "GET", "/v1/reload"), "bad_request");
  assert_text_equal(site.refused(405, "BREW", "/v1/status"), "bad_request");
}

static void a_viewer_reads_everything_and_changes_nothing(void**) {
  Site site;
  site.role = Role::viewer;
  site.tasks.tasks[7] = {};
  for (const char* path : kReads) assert_int_equal(site.ask("GET", path).status, 200);
  for (const auto& change : kChanges)
    assert_text_equal(site.refused(403, change.method, change.path, change.body), "forbidden");
  assert_true(site.control.done.empty() && site.tasks.done.empty());
  assert_true(site.control.level == base::Level::info);
  assert_true(site.control.states.at("attic") == core::TunnelState::stopped);
}

static void without_a_role_even_unknown_paths_are_forbidden(void**) {
  Site site;
  site.role = Role::none;
  for (const char* path : kReads) assert_text_equal(site.refused(403, "GET", path), "forbidden");
  for (const char* path : {"/v1/events", "/v1/logs/stream", "/v1/tasks/7/events", "/nowhere"})
    assert_text_equal(site.refused(403, "GET", path), "forbidden");
  for (const auto& change : kChanges)
    assert_text_equal(site.refused(403, change.method, change.path, change.body), "forbidden");
  assert_true(site.control.done.empty());
}

static void a_reload_answers_when_it_is_over(void**) {
  Site site;
  loop::Timer over(site.house.loop, "reload",
                   [&] { site.control.reload_done(core::ReloadReport{7, {"new"}, {}, {}, {"attic"}}); });
  site.control.on_reload = [&] { over.start(30ms); };
  const auto report = site.json("POST", "/v1/reload");
  assert_int_equal(report["generation"].integer(), 7);
  assert_text_equal(report["added"].at(0).text(), "new");
}

static void a_refused_reload_lists_its_problems(void**) {
  Site site;
  base::Error error{Code::bad_config, "/f.yaml:3:5: no such key\n/f.yaml:9:1: bad\x1b[31m\n", {}};
  loop::Timer over(site.house.loop, "reload", [&] { site.control.reload_done(error); });
  site.control.on_reload = [&] { over.start(1ms); };
  const auto response = site.ask("POST", "/v1/reload");
  assert_int_equal(response.status, 422);
  const auto problem = base::Json::parse(response.body);
  assert_text_equal((*problem)["code"].text(), "bad_config");
  assert_int_equal((*problem)["errors"].size(), 2);
  assert_text_equal((*problem)["errors"].at(0).text(), "/f.yaml:3:5: no such key");
  assert_text_equal((*problem)["errors"].at(1).text(), "/f.yaml:9:1: bad\\x1b[31m");
  assert_text_equal((*problem)["detail"].text(), "/f.yaml:3:5: no such key\n/f.yaml:9:1: bad\\x1b[31m");

  error = {Code::cancelled, "superseded by a later reload", {}};
  assert_text_equal(site.refused(409, "POST", "/v1/reload"), "cancelled");
}

static void a_reload_whose_client_left_still_ends_well(void**) {
  Site site;
  Peer peer(site.house.path());
  peer.send("POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  site.house.until([&] { return site.control.reload_done != nullptr; }, "the reload");
  peer.close();
  site.house.server.reset();
  site.control.reload_done(core::ReloadReport{});
}

static void sets_the_log_level(void**) {
  Site site;
  assert_text_equal(site.json("GET", "/v1/log-level").dump(), R"({"level":"info"})");
  assert_text_equal(site.json("PUT", "/v1/log-level", R"({"level":"debug"})").dump(), R"({"level":"debug"})");
  assert_true(site.control.level == base::Level::debug);
  for (const char* body : {"", "debug", "{}", R"({"level":"loud"})", R"({"level":4})", R"(["debug"])",
                           R"({"level":"warn","for":"ever"})", R"({"level":"warn"} x)"})
    assert_text_equal(site.refused(400, "PUT", "/v1/log-level", body), "bad_request");
  assert_true(site.control.level == base::Level::debug);
}

static void shows_the_latest_log_lines(void**) {
  Site site;
  for (int i = 0; i < 60; ++i) site.log.info("line", {{"tunnel", i % 2 == 0 ? "attic" : "cellar"}, {"n", i}});
  const auto all = site.json("GET", "/v1/logs");
  assert_int_equal(all["lines"].size(), 50);
  assert_text_equal(all["lines"].at(49)["n"].text(), "59");
  assert_int_equal(all["last_event_id"].integer(), 5059);
  const auto some = site.json("GET", "/v1/logs?tunnel=attic&lines=3");
  assert_int_equal(some["lines"].size(), 3);
  assert_text_equal(some["lines"].at(2)["n"].text(), "58");
  assert_int_equal(some["lines"].at(2)["id"].integer(), 5058);
  assert_int_equal(site.json("GET", "/v1/logs?lines=0")["lines"].size(), 0);
  assert_int_equal(site.json("GET", "/v1/logs?lines=4096")["lines"].size(), 60);
  site.log.info("line", {{"tunnel", "removed"}});
  assert_int_equal(site.json("GET", "/v1/logs?tunnel=removed")["lines"].size(), 1);
}

static void refuses_parameters_that_mean_nothing(void**) {
  Site site;
  for (const char* path : {"/v1/logs?lines=-1", "/v1/logs?lines=4097", "/v1/logs?lines=", "/v1/logs?line=5",
                           "/v1/status?x=1", "/v1/events?last_event_id=abc", "/v1/logs/stream?lines=5"})
    assert_text_equal(site.refused(400, "GET", path), "bad_request");
  for (const char* path : {"/v1/logs?tunnel=typo", "/v1/logs/stream?tunnel=typo", "/v1/events?tunnel=typo",
                           "/v1/events?tunnel="})
    assert_text_equal(site.refused(404, "GET", path), "not_found");
}

static void events_go_on_after_the_last_id(void**) {
  Site site;
  for (int i = 0; i < 3; ++i)
    site.events.append("tunnel_state", "attic", "{\"n\":" + std::to_string(i) + "}");
  Peer by_header(site.house.path());
  by_header.send("GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1000\r\n\r\n");
  Peer by_parameter(site.house.path());
  by_parameter.send("GET /v1/events?last_event_id=1001 HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer from_now(site.house.path());
  from_now.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  Peer former(site.house.path());
  former.send("GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 7\r\n\r\n");
  site.house.until([&] { return site.house.server->streams() == 4; }, "the streams");
  site.events.append("reload", "", "{\"n\":3}");
  for (Peer* peer : {&by_header, &by_parameter, &from_now, &former})
    site.house.until([&] { return peer->has("id: 1003\nevent: reload\ndata: {\"n\":3}\n\n"); }, "the event");
  assert_true(by_header.has("\"n\":1") && !by_header.has("\"n\":0"));
  assert_true(by_parameter.has("\"n\":2") && !by_parameter.has("\"n\":1"));
  assert_false(from_now.has("\"n\":2"));
  assert_true(former.has("id: 1002\nevent: resync\n"));
  assert_false(from_now.has("resync") || by_header.has("resync"));
}

static void log_lines_stream_for_one_tunnel(void**) {
  Site site;
  site.log.info("before", {{"tunnel", "attic"}});
  Peer peer(site.house.path());
  peer.send("GET /v1/logs/stream?tunnel=attic HTTP/1.1\r\nHost: x\r\n\r\n");
  site.house.until([&] { return site.house.server->streams() == 1; }, "the stream");
  site.log.info("other", {{"tunnel", "cellar"}});
  site.log.info("mine", {{"tunnel", "attic"}});
  site.house.until([&] { return peer.has("event: log\ndata: {\"id\":5002,"); }, "the line");
  assert_true(peer.has("\"event\":\"mine\""));
  assert_false(peer.has("before") || peer.has("other"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_test_message_answers_with_its_outcome),
      cmocka_unit_test(shows_version_status_and_tunnels),
      cmocka_unit_test(moves_a_tunnel_and_shows_it_right_after),
      cmocka_unit_test(refuses_what_is_so_already_and_what_does_not_exist),
      cmocka_unit_test(names_the_allowed_methods),
      cmocka_unit_test(a_viewer_reads_everything_and_changes_nothing),
      cmocka_unit_test(without_a_role_even_unknown_paths_are_forbidden),
      cmocka_unit_test(a_reload_answers_when_it_is_over),
      cmocka_unit_test(a_refused_reload_lists_its_problems),
      cmocka_unit_test(a_reload_whose_client_left_still_ends_well),
      cmocka_unit_test(sets_the_log_level),
      cmocka_unit_test(shows_the_latest_log_lines),
      cmocka_unit_test(refuses_parameters_that_mean_nothing),
      cmocka_unit_test(events_go_on_after_the_last_id),
      cmocka_unit_test(log_lines_stream_for_one_tunnel),
  };
  return cmocka_run_group_tests_name("api_routes", tests, nullptr, nullptr);
}
