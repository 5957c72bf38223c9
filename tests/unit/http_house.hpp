// What the tests of the HTTP server, client and API share: a loop that runs until something is true, a UNIX
// socket in a temporary folder with a server behind it, and a raw peer that speaks bytes.
#pragma once
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cmocka.hpp"
#include "core/http_service.hpp"
#include "http/client.hpp"
#include "http/client_call.hpp"
#include "http/control_socket.hpp"
#include "http/server.hpp"
#include "loop/address.hpp"
#include "run_loop.hpp"
#include "temp_folder.hpp"

namespace house {

using namespace fairlead;
using namespace std::chrono_literals;

// A client that sends and reads what it likes.
class Peer {
 public:
  explicit Peer(const std::string& socket) {
    const auto address = *loop::Address::unix_path(socket);
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connected_ = ::connect(fd_.get(), address.raw(), address.length()) == 0;
  }
  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // Everything that has come so far.
  const std::string& read() {
    char chunk[65536];
    for (;;) {
      const auto got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
      if (got > 0)
        seen_.append(chunk, static_cast<std::size_t>(got));
      else {
        if (got == 0 || errno != EAGAIN) closed_ = true;
        return seen_;
      }
    }
  }
  bool has(std::string_view text) { return read().find(text) != std::string::npos; }
  bool closed() {
    read();
    return closed_;
  }
  void close() { fd_.reset(); }

 private:
  base::UniqueFd fd_;
  std::string seen_;
  bool connected_ = false;
  bool closed_ = false;
};

// A service made of one function.
class Service : public core::HttpService {
 public:
  using Function = std::function<void(const core::ServerRequest&, std::shared_ptr<core::Responder>)>;
  Function function;
  void handle(const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) override {
    function(request, std::move(responder));
  }
};

inline core::Caller everyone_operates(std::uint32_t uid, std::uint32_t gid) {
  return {uid, gid, "uid:" + std::to_string(uid), core::Role::operator_};
}

// Server and socket over any service; stops in the destructor and insists that nothing stays open.
class House {
 public:
  explicit House(core::HttpService& service, http::ServerLimits limits = {},
                 http::Identify identify = everyone_operates) {
    auto socket = http::ControlSocket::open({.runtime_dir = folder_.path()});
    assert_true(socket.ok());
    socket_ = std::make_unique<http::ControlSocket>(std::move(*socket));
    auto started =
        http::Server::start(loop, socket_->take_listener(), service, std::move(identify), log, limits);
    assert_true(started.ok());
    server = std::move(*started);
    client = http::Client::make(loop);
    assert_non_null(client.get());
  }
  ~House() {
    client.reset();
    server.reset();
    if (const auto drained = loop.drain(kGenerous); !drained) fail_msg("%s", drained.error().message.c_str());
  }

  void until(const std::function<bool()>& done, const char* what) { run_until(loop, done, what); }
  const std::string& path() const { return socket_->path(); }

  core::HttpRequest request(std::string method, const std::string& target, std::string body = {}) const {
    core::HttpRequest out;
    out.method = std::move(method);
    out.url = "http://fairlead" + target;
    out.unix_socket = path();
    out.body = std::move(body);
    out.timeout = kGenerous;
    return out;
  }
  // Asks and waits for the outcome.
  base::Result<core::HttpResponse> ask(core::HttpRequest wanted) {
    std::unique_ptr<base::Result<core::HttpResponse>> outcome;
    const auto call = client->start(std::move(wanted), [&](base::Result<core::HttpResponse> result) {
      outcome = std::make_unique<base::Result<core::HttpResponse>>(std::move(result));
    });
    until([&] { return outcome != nullptr; }, "an outcome of the request");
    return std::move(*outcome);
  }
  core::HttpResponse get(const std::string& target) { return answer(ask(request("GET", target))); }
  core::HttpResponse post(const std::string& target, std::string body = {}) {
    return answer(ask(request("POST", target, std::move(body))));
  }
  static core::HttpResponse answer(base::Result<core::HttpResponse> result) {
    if (!result) fail_msg("%s", result.error().text().c_str());
    return std::move(*result);
  }

 private:
  TempFolder folder_;
  std::unique_ptr<http::ControlSocket> socket_;

 public:
  loop::Loop loop;
  base::Log log;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<core::HttpClient> client;
};

}  // namespace house
