// The API's HTTP/1.1 server: libmicrohttpd without threads, its epoll descriptor nested in our loop.
//
// Owned by app/; loop thread only. It is handed a listening UNIX socket (control_socket.hpp), asks the kernel
// who is at the other end of each connection (SO_PEERCRED), and gives complete requests to the service.
// What a hostile client can cost is bounded: connections, streams, bytes of head and body, and time. A
// failing client is its own failure; only start() can fail. What never becomes a request (a malformed or
// too long head) is answered by the library itself, in HTML.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "core/http_service.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"

struct MHD_Daemon;

namespace fairlead::http {

struct ServerLimits {
  base::Millis request_deadline{30'000};  // from connecting, or from the answer before, to a complete request
  base::Millis answer_deadline{60'000};   // from the answer to its last byte being taken
  base::Millis idle_timeout{30'000};      // nothing moved on a connection that should; whole seconds
  base::Millis comment_every{15'000};     // on each event stream
  std::size_t max_body = 1u << 20;
  unsigned max_connections = 128;
  unsigned max_streams = 64;              // so that streams never take the last connection
  unsigned max_per_viewer = 32;           // connections of one uid that is not an operator
  std::size_t connection_memory = 24576;  // bounds the request head, in bytes
};

// Who a peer is, by its credentials. Nothing: not known yet; then Server::callers_known() says when to ask
// again.
using Identify = std::function<std::optional<core::Caller>(std::uint32_t uid, std::uint32_t gid)>;

class Connection;

class Server {
 public:
  // `service` and `log` outlive the server.
  static base::Result<std::unique_ptr<Server>> start(loop::Loop& loop, base::UniqueFd listener,
                                                     core::HttpService& service, Identify identify,
                                                     base::Log& log, ServerLimits limits);
  ~Server();  // without stop(): ends every connection at once
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts nothing new, ends the streams, lets answers that are under way finish until the deadline. `done`
  // is called once, later; it may destroy the server. Destroying the server first drops it.
  void stop(base::Millis deadline, std::function<void()> done);

  // Requests whose caller was not known yet are looked at again, and so is who may go on reading a stream.
  void callers_known();

  std::size_t connections() const { return connections_.size(); }
  unsigned streams() const { return streams_; }

 private:
  friend class Connection;
  friend class Exchange;
  struct Hooks;  // the C callbacks

  Server(loop::Loop& loop, core::HttpService& service, Identify identify, base::Log& log,
         ServerLimits limits);
  base::Result<> open(base::UniqueFd listener);

  void pump();  // one MHD_run, then wait for what it waits for
  void wake() { run_.schedule(); }
  void resume_ready_streams();
  void wait_for_library();

  void on_connected(Connection* connection);
  void on_closed(Connection* connection);
  void make_room();
  void arm_deadlines();
  void on_deadlines();
  void on_comments();
  void end_streams_without_role();
  void stream_opened();
  void stream_closed();
  void finish_stop();
  void close_daemon();

  core::HttpService& service_;
  Identify identify_;
  base::Log& log_;
  ServerLimits limits_;
  MHD_Daemon* daemon_ = nullptr;
  base::UniqueFd listener_;
  std::vector<std::unique_ptr<Connection>> connections_;  // oldest first
  unsigned streams_ = 0;
  bool stopping_ = false;
  std::function<void()> stopped_;
  std::unique_ptr<loop::Poll> poll_;
  loop::Timer library_timer_;
  loop::Timer deadlines_;  // runs only while connections are open
  loop::Timer comments_;   // runs only while streams are open
  loop::Timer stop_timer_;
  loop::Deferred run_;
  loop::Deferred report_stopped_;
};

}  // namespace fairlead::http
