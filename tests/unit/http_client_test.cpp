#include <cstdlib>
#include <cstring>

#include "http_house.hpp"

using namespace house;

namespace {

using Outcome = std::unique_ptr<base::Result<core::HttpResponse>>;

core::HttpClient::Done into(Outcome& outcome) {
  return [&outcome](base::Result<core::HttpResponse> result) {
    assert_null(outcome.get());  // once
    outcome = std::make_unique<base::Result<core::HttpResponse>>(std::move(result));
  };
}

// A server that answers nothing, or what it is told to, without being an HTTP server of ours.
class Scripted {
 public:
  Scripted(loop::Loop& loop, std::string answer) : answer_(std::move(answer)) {
    path_ = folder_.path() + "/control.sock";
    auto listener = loop::listen_on(*loop::Address::unix_path(path_));
    assert_true(listener.ok());
    listener_ = std::move(*listener);
    poll_ = std::make_unique<loop::Poll>(loop, "scripted", listener_.get(), [this](loop::Ready) {
      auto accepted = loop::accept_one(listener_.get());
      if (!accepted || !*accepted) return;
      if (!answer_.empty()) ::send((*accepted)->get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      connections.push_back(std::move(**accepted));
    });
    poll_->want(true, false);
  }
  const std::string& path() const { return path_; }
  std::vector<base::UniqueFd> connections;

 private:
  TempFolder folder_;
  std::string path_;
  std::string answer_;
  base::UniqueFd listener_;
  std::unique_ptr<loop::Poll> poll_;
};

core::HttpRequest to(const std::string& socket) {
  core::HttpRequest request;
  request.url = "http://fairlead/";
  request.unix_socket = socket;
  request.timeout = kGenerous;
  return request;
}

// Client and loop; insists that nothing is open while no call is under way.
struct Asker {
  loop::Loop loop;
  std::unique_ptr<core::HttpClient> client = http::Client::make(loop);
  ~Asker() {
    if (const auto drained = loop.drain(kGenerous); !drained) fail_msg("%s", drained.error().message.c_str());
  }
  base::Result<core::HttpResponse> ask(core::HttpRequest request) {
    Outcome outcome;
    const auto call = client->start(std::move(request), into(outcome), nullptr);
    assert_null(outcome.get());  // never from inside start()
    run_until(loop, [&] { return outcome != nullptr; }, "an outcome");
    return std::move(*outcome);
  }
};

base::Code code_of(const base::Result<core::HttpResponse>& result) {
  if (result) fail_msg("no error but status %d", result->status);
  return result.error().code;
}

}  // namespace

static void sends_method_headers_and_body(void**) {
  Service service;
  service.function = [](const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
    std::string all(request.method + "|" + std::string(request.header("X-One").value_or("")) + "|");
    all += std::string(request.header("Host").value_or("")) + "|" + request.body;
    responder->answer({200, "text/plain", all, {}});
  };
  House house(service);
  for (const char* method : {"PUT", "POST", "DELETE"}) {
    auto request = house.request(method, "/", "hello");
    request.headers = {{"X-One", "1"}};
    assert_text_equal(House::answer(house.ask(request)).body, std::string(method) + "|1|fairlead|hello");
  }
  assert_text_equal(house.post("/").body, "POST||fairlead|");
}

static void tells_the_headers_of_the_final_response(void**) {
  Asker asker;
  Scripted server(
      asker.loop,
      "HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
      "HTTP/1.1 429 Slow\r\nretry-AFTER:  30 \r\nX-Twice: a\r\nX-Twice: b\r\nContent-Length: 0\r\n\r\n");
  const auto response = House::answer(asker.ask(to(server.path())));
  assert_int_equal(response.status, 429);
  assert_text_equal(response.header("Retry-After").value_or("none"), "30");
  assert_text_equal(response.header("x-twice").value_or("none"), "a");
  assert_false(response.header("X-Other").has_value());
}

static void keeps_a_bounded_part_of_the_headers(void**) {
  Asker asker;
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int i = 0; i < 40; ++i)
    head += "X-Large-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
  Scripted server(asker.loop, head + "\r\n");
  const auto response = House::answer(asker.ask(to(server.path())));
  assert_true(response.header("X-Large-0").has_value());
  assert_true(response.headers.size() < 20);
}

static void nothing_is_open_while_no_call_is_under_way(void**) {
  Asker asker;
  {
    Scripted server(asker.loop, "HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(House::answer(asker.ask(to(server.path()))).status, 204);
  }
  assert_true(asker.loop.drain(kGenerous).ok());
  assert_true(asker.loop.open_handles().empty());  // the client still lives
}

static void a_socket_that_nobody_serves_is_unavailable(void**) {
  Asker asker;
  assert_true(code_of(asker.ask(to("/tmp/fairlead-test-nobody/control.sock"))) == base::Code::unavailable);
  auto refused = to("");
  refused.url = "http://127.0.0.1:1/";
  assert_true(code_of(asker.ask(refused)) == base::Code::unavailable);
  const auto error = asker.ask(to("/" + std::string(200, 'x')));
  assert_true(code_of(error) == base::Code::bad_request);
}

static void other_protocols_and_bad_urls_are_refused(void**) {
  Asker asker;
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "gopher://127.0.0.1/"}) {
    auto request = to("");
    request.url = url;
    assert_true(code_of(asker.ask(request)) == base::Code::bad_request);
  }
}

static void a_silent_server_times_out(void**) {
  Asker asker;
  Scripted silent(asker.loop, "");
  auto request = to(silent.path());
  request.timeout = 50ms;
  assert_true(code_of(asker.ask(request)) == base::Code::timed_out);
}

static void a_server_that_hangs_up_is_an_error(void**) {
  Asker asker;
  Scripted server(asker.loop, "");
  Outcome outcome;
  const auto call = asker.client->start(to(server.path()), into(outcome), nullptr);
  run_until(asker.loop, [&] { return !server.connections.empty(); }, "the connection");
  run_for(asker.loop, 20ms);
  server.connections.clear();
  run_until(asker.loop, [&] { return outcome != nullptr; }, "an outcome");
  assert_true(code_of(*outcome) == base::Code::io);
}

static void an_answer_that_is_not_http_is_a_protocol_error(void**) {
  Asker asker;
  Scripted server(asker.loop, "SSH-2.0-OpenSSH_9.2\r\n");
  assert_true(code_of(asker.ask(to(server.path()))) == base::Code::protocol);
}

static void an_oversized_answer_is_too_large(void**) {
  Asker asker;
  Scripted server(asker.loop, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(5000, 'x'));
  auto request = to(server.path());
  request.max_body = 4999;
  assert_true(code_of(asker.ask(request)) == base::Code::too_large);
}

static void redirects_are_not_followed(void**) {
  Asker asker;
  Scripted server(asker.loop,
                  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(House::answer(asker.ask(to(server.path()))).status, 302);
}

static void a_proxy_from_the_environment_is_not_used(void**) {
  ::setenv("http_proxy", "http://127.0.0.1:1/", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
  Asker asker;
  auto listener = loop::listen_on(*loop::Address::numeric("127.0.0.1", 0));
  assert_true(listener.ok());
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  assert_int_equal(getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const auto address = loop::Address::from(reinterpret_cast<sockaddr*>(&bound), size);
  base::UniqueFd accepted;
  loop::Poll poll(asker.loop, "listener", listener->get(), [&](loop::Ready) {
    auto one = loop::accept_one(listener->get());
    if (!one || !*one) return;
    accepted = std::move(**one);
    constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    ::send(accepted.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  });
  poll.want(true, false);
  auto request = to("");
  request.url = "http://" + address.text() + "/";
  assert_int_equal(House::answer(asker.ask(request)).status, 200);
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

static void destroying_a_call_cancels_it(void**) {
  Asker asker;
  Scripted silent(asker.loop, "");
  Outcome outcome;
  auto at_once = asker.client->start(to(silent.path()), into(outcome), nullptr);
  at_once.reset();
  auto under_way = asker.client->start(to(silent.path()), into(outcome), nullptr);
  run_until(asker.loop, [&] { return !silent.connections.empty(); }, "the connection");
  under_way.reset();
  run_for(asker.loop, 30ms);
  assert_null(outcome.get());
}

static void a_call_may_be_destroyed_in_its_done(void**) {
  Asker asker;
  Scripted server(asker.loop, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  std::unique_ptr<core::HttpCall> call;
  bool done = false;
  call = asker.client->start(
      to(server.path()),
      [&](base::Result<core::HttpResponse> result) {
        assert_text_equal(result->body, "ok");
        call.reset();
        done = true;
      },
      nullptr);
  run_until(asker.loop, [&] { return done; }, "done");
}

static void a_call_may_be_destroyed_in_its_on_data(void**) {
  Asker asker;
  Scripted server(asker.loop, "HTTP/1.1 200 OK\r\n\r\nendless");
  std::unique_ptr<core::HttpCall> call;
  bool got = false;
  Outcome outcome;
  call = asker.client->start(to(server.path()), into(outcome), [&](std::string_view piece) {
    assert_text_equal(piece, "endless");
    call.reset();
    got = true;
  });
  run_until(asker.loop, [&] { return got; }, "data");
  run_for(asker.loop, 20ms);
  assert_null(outcome.get());
}

static void a_call_may_start_another_from_its_done(void**) {
  Asker asker;
  Scripted server(asker.loop, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  std::vector<std::unique_ptr<core::HttpCall>> calls;
  int finished = 0;
  core::HttpClient::Done again = [&](base::Result<core::HttpResponse> result) {
    assert_true(result.ok());
    if (++finished < 5) calls.push_back(asker.client->start(to(server.path()), again, nullptr));
  };
  calls.push_back(asker.client->start(to(server.path()), again, nullptr));
  run_until(asker.loop, [&] { return finished == 5; }, "five answers");
}

static void a_large_body_streams_whole_and_in_order(void**) {
  std::string text;
  for (int i = 0; text.size() < 5'000'000; ++i) text += std::to_string(i) + "\n";
  Service service;
  service.function = [&](const core::ServerRequest&, std::shared_ptr<core::Responder> responder) {
    responder->answer({200, "text/plain", text, {}});
  };
  House house(service);
  std::string seen;
  Outcome outcome;
  auto request = house.request("GET", "/");
  request.max_body = 10;  // counts only what is kept
  const auto call = house.client->start(request, into(outcome), [&](std::string_view piece) {
    assert_null(outcome.get());
    seen += piece;
  });
  house.until([&] { return outcome != nullptr; }, "the end");
  assert_true(outcome->ok());
  assert_true((*outcome)->body.empty());
  assert_true(seen == text);
}

// More chunks in one read than a call holds: libcurl is paused, and has to be woken again.
static void a_stream_that_was_held_back_goes_on(void**) {
  std::string text;
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 100; i < 160; ++i) {
    const std::string chunk = std::to_string(i) + std::string(997, '.');
    text += chunk;
    answer += "3e8\r\n" + chunk + "\r\n";
  }
  Asker asker;
  Scripted server(asker.loop, answer + "0\r\n\r\n");
  std::string seen;
  Outcome outcome;
  const auto call =
      asker.client->start(to(server.path()), into(outcome), [&](std::string_view piece) { seen += piece; });
  run_until(asker.loop, [&] { return outcome != nullptr; }, "the end");
  assert_true(outcome->ok());
  assert_true(seen == text);
}

static void an_error_body_is_kept_even_when_data_was_to_be_streamed(void**) {
  Asker asker;
  Scripted server(asker.loop, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
  Outcome outcome;
  const auto call = asker.client->start(to(server.path()), into(outcome),
                                        [](std::string_view) { fail_msg("an error's body was streamed"); });
  run_until(asker.loop, [&] { return outcome != nullptr; }, "an outcome");
  assert_int_equal((*outcome)->status, 404);
  assert_text_equal((*outcome)->body, "nope");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(sends_method_headers_and_body),
      cmocka_unit_test(tells_the_headers_of_the_final_response),
      cmocka_unit_test(keeps_a_bounded_part_of_the_headers),
      cmocka_unit_test(nothing_is_open_while_no_call_is_under_way),
      cmocka_unit_test(a_socket_that_nobody_serves_is_unavailable),
      cmocka_unit_test(other_protocols_and_bad_urls_are_refused),
      cmocka_unit_test(a_silent_server_times_out),
      cmocka_unit_test(a_server_that_hangs_up_is_an_error),
      cmocka_unit_test(an_answer_that_is_not_http_is_a_protocol_error),
      cmocka_unit_test(an_oversized_answer_is_too_large),
      cmocka_unit_test(redirects_are_not_followed),
      cmocka_unit_test(a_proxy_from_the_environment_is_not_used),
      cmocka_unit_test(destroying_a_call_cancels_it),
      cmocka_unit_test(a_call_may_be_destroyed_in_its_done),
      cmocka_unit_test(a_call_may_be_destroyed_in_its_on_data),
      cmocka_unit_test(a_call_may_start_another_from_its_done),
      cmocka_unit_test(a_large_body_streams_whole_and_in_order),
      cmocka_unit_test(a_stream_that_was_held_back_goes_on),
      cmocka_unit_test(an_error_body_is_kept_even_when_data_was_to_be_streamed),
  };
  return cmocka_run_group_tests_name("http_client", tests, nullptr, nullptr);
}
