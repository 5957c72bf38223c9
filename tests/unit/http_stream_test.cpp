// Event streams end to end: ring, feed, server, and a peer that reads or does not.
#include "http_house.hpp"

using namespace house;

namespace {

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Streams one ring to everybody from where `cursor` stands.
struct Site {
  core::EventRing ring{1000, {.count = 100, .bytes = 64 * 1024}};
  std::uint64_t cursor = 999;
  std::string tunnel;
  core::Role role = core::Role::operator_;
  Service service;
  std::unique_ptr<House> house;

  explicit Site(http::ServerLimits limits = {}) {
    service.function = [this](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
      responder->stream({&ring, cursor, {.tunnel = tunnel}});
    };
    house = std::make_unique<House>(service, limits, [this](std::uint32_t uid, std::uint32_t gid) {
      return core::Caller{uid, gid, "somebody", role};
    });
  }
  void until(const std::function<bool()>& done, const char* what) { house->until(done, what); }
};

}  // namespace

static void replays_what_came_after_the_cursor_and_goes_on(void**) {
  Site site;
  site.ring.append("a", "", "{\"n\":1}");
  site.ring.append("b", "", "{\"n\":2}");
  site.cursor = 1000;
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return peer.has("id: 1001\nevent: b\ndata: {\"n\":2}\n\n"); }, "the replay");
  assert_false(peer.has("\"n\":1"));
  assert_true(peer.has("Content-Type: text/event-stream"));
  site.ring.append("c", "", "{\"n\":3}");
  site.until([&] { return peer.has("id: 1002\nevent: c\ndata: {\"n\":3}\n\n"); }, "the new event");
}

static void a_quiet_stream_opens_at_once(void**) {
  Site site;
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return peer.has("200 OK") && peer.has("retry: 1000\n\n"); }, "the head");
}

static void a_cursor_that_is_not_covered_begins_with_resync(void**) {
  Site site;
  for (int i = 0; i < 150; ++i) site.ring.append("a", "", "{}");
  site.cursor = 1010;
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return peer.has("id: 1149\nevent: resync\ndata: {\"id\":1149}\n\n"); }, "the resync");
  assert_false(peer.has("event: a"));
  site.ring.append("b", "", "{}");
  site.until([&] { return peer.has("id: 1150\nevent: b\n"); }, "the next event");
}

static void a_filter_shows_one_tunnel_only(void**) {
  Site site;
  site.tunnel = "attic";
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return site.house->server->streams() == 1; }, "the stream");
  site.ring.append("a", "cellar", "{}");
  site.ring.append("b", "", "{}");
  site.ring.append("c", "attic", "{}");
  site.until([&] { return peer.has("event: c"); }, "the tunnel's event");
  assert_false(peer.has("event: a"));
  assert_false(peer.has("event: b"));
}

static void comments_keep_coming_while_streams_are_open(void**) {
  Site site({.comment_every = 20ms});
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until(
      [&] { return peer.has(":\n\n") && peer.read().find(":\n\n", peer.read().find(":\n\n") + 1) > 0; },
      "comments");
  peer.close();
  // A client that died while its stream was quiet is found by the comment, and only by it.
  site.until([&] { return site.house->server->connections() == 0; }, "the dead client's end");
  assert_int_equal(site.house->server->streams(), 0);
}

static void a_slow_reader_costs_one_event_and_is_told_to_resync(void**) {
  Site site;
  Peer slow(site.house->path());
  slow.send(kGet);
  site.until([&] { return site.house->server->streams() == 1; }, "the stream");
  // Far more than the ring keeps and the kernel's buffers take (about 400 KiB on both sides).
  const std::string body = "{\"x\":\"" + std::string(1000, 'x') + "\"}";
  for (int i = 0; i < 4000; ++i) {
    site.ring.append("a", "", body);
    if (i % 100 == 0) run_for(site.house->loop, 1ms);
  }
  site.ring.append("last", "", "{}");
  site.until(
      [&] {
        const auto& text = slow.read();
        return text.find("event: resync") != std::string::npos;
      },
      "the resync");
  site.ring.append("after", "", "{}");
  site.until([&] { return slow.has("event: after"); }, "the event after it");
  assert_true(slow.read().size() < 2'000'000);  // most of the 4 MB were never copied
}

static void a_stream_beyond_the_limit_is_503(void**) {
  Site site({.max_streams = 2});
  Peer first(site.house->path());
  Peer second(site.house->path());
  first.send(kGet);
  second.send(kGet);
  site.until([&] { return site.house->server->streams() == 2; }, "two streams");
  const auto refused = site.house->get("/");
  assert_int_equal(refused.status, 503);
  first.close();
  site.ring.append("a", "", "{}");  // the write finds that it is gone
  site.until([&] { return site.house->server->streams() == 1; }, "a place");
  Peer third(site.house->path());
  third.send(kGet);
  site.until([&] { return third.has("retry:"); }, "the third stream");
}

static void a_stream_ends_when_its_caller_lost_the_role(void**) {
  Site site({.comment_every = 20ms});
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return site.house->server->streams() == 1; }, "the stream");
  site.role = core::Role::none;
  site.until([&] { return site.house->server->streams() == 0; }, "the stream's end");
}

static void quiet_streams_do_not_turn_the_loop(void**) {
  Site site;
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(std::make_unique<Peer>(site.house->path()));
    peers.back()->send(kGet);
  }
  site.until([&] { return site.house->server->streams() == 10; }, "the streams");
  run_for(site.house->loop, 30ms);
  const auto before = site.house->loop.turns();
  run_for(site.house->loop, 300ms);
  assert_true(site.house->loop.turns() - before < 20);
}

static void stop_ends_open_streams_and_leaves_nothing(void**) {
  Site site;
  Peer quiet(site.house->path());
  Peer stuck(site.house->path());  // never reads: ends at the deadline
  quiet.send(kGet);
  stuck.send(kGet);
  site.until([&] { return site.house->server->streams() == 2; }, "the streams");
  for (int i = 0; i < 4000; ++i) {
    site.ring.append("a", "", std::string(1000, 'x'));
    if (i % 50 == 0) {
      run_for(site.house->loop, 1ms);
      quiet.read();
    }
  }
  bool stopped = false;
  site.house->server->stop(3s, [&] { stopped = true; });  // long enough for the one that reads
  site.until([&] { return stopped && quiet.closed(); }, "the stop");
  assert_true(quiet.read().ends_with("0\r\n\r\n"));  // a proper end, not a cut
  site.house->server.reset();
  site.house->client.reset();
  assert_true(site.house->loop.drain(kGenerous).ok());
  assert_true(site.house->loop.open_handles().empty());
  site.ring.append("a", "", "nobody listens any more");
}

static void a_server_destroyed_with_open_streams_leaves_nothing(void**) {
  Site site;
  Peer peer(site.house->path());
  peer.send(kGet);
  site.until([&] { return site.house->server->streams() == 1; }, "the stream");
  site.house.reset();  // its destructor insists
  site.ring.append("a", "", "nobody listens any more");
}

static void curl_reads_a_stream_in_pieces(void**) {
  Site site;
  std::string seen;
  auto request = site.house->request("GET", "/");
  request.timeout = base::Millis(0);
  bool over = false;
  const auto call = site.house->client->start(
      request, [&](base::Result<core::HttpResponse>) { over = true; },
      [&](std::string_view piece) { seen += piece; });
  site.until([&] { return seen.find("retry") != std::string::npos; }, "the head");
  site.ring.append("a", "", "{}");
  site.until([&] { return seen.find("event: a") != std::string::npos; }, "the event");
  assert_false(over);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(replays_what_came_after_the_cursor_and_goes_on),
      cmocka_unit_test(a_quiet_stream_opens_at_once),
      cmocka_unit_test(a_cursor_that_is_not_covered_begins_with_resync),
      cmocka_unit_test(a_filter_shows_one_tunnel_only),
      cmocka_unit_test(comments_keep_coming_while_streams_are_open),
      cmocka_unit_test(a_slow_reader_costs_one_event_and_is_told_to_resync),
      cmocka_unit_test(a_stream_beyond_the_limit_is_503),
      cmocka_unit_test(a_stream_ends_when_its_caller_lost_the_role),
      cmocka_unit_test(quiet_streams_do_not_turn_the_loop),
      cmocka_unit_test(stop_ends_open_streams_and_leaves_nothing),
      cmocka_unit_test(a_server_destroyed_with_open_streams_leaves_nothing),
      cmocka_unit_test(curl_reads_a_stream_in_pieces),
  };
  return cmocka_run_group_tests_name("http_stream", tests, nullptr, nullptr);
}
