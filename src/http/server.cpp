#include "http/server.hpp"

#include <fcntl.h>
#include <microhttpd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "http/connection.hpp"

namespace fairlead::http {

namespace {

// A new connection is always let in while requests, not streams, fill the house: the oldest that has not
// sent its request makes room. Above zero, so that the library never stops accepting.
constexpr std::size_t kSpareConnections = 16;

}  // namespace

// What the library calls. `self` is the Server.
struct Server::Hooks {
  static void connection(void* self, MHD_Connection* raw, void** context,
                         MHD_ConnectionNotificationCode code) noexcept {
    auto* server = static_cast<Server*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      auto connection = std::make_unique<Connection>(*server, raw);
      *context = connection.get();
      server->connections_.push_back(std::move(connection));
      server->on_connected(server->connections_.back().get());
    } else {
      server->on_closed(static_cast<Connection*>(std::exchange(*context, nullptr)));
    }
  }

  static MHD_Result access(void*, MHD_Connection* raw, const char* path, const char* method, const char*,
                           const char* upload, std::size_t* size, void** context) noexcept {
    auto* connection = static_cast<Connection*>(
        MHD_get_connection_info(raw, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
    if (*context == nullptr) {
      connection->exchange = std::make_shared<Exchange>(*connection, raw, method, path);
      *context = connection->exchange.get();
    }
    const auto exchange = connection->exchange;
    return exchange->on_call(upload, size);
  }

  static void completed(void*, MHD_Connection* raw, void** context, MHD_RequestTerminationCode) noexcept {
    auto* connection = static_cast<Connection*>(
        MHD_get_connection_info(raw, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
    *context = nullptr;
    if (connection == nullptr) return;
    connection->exchange.reset();
    connection->enter(Phase::waiting);
  }

  static void log_line(void* self, const char* format, va_list arguments) noexcept {
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    static_cast<Server*>(self)->log_.debug("http_library", {{"message", line}});
  }
};

base::Result<std::unique_ptr<Server>> Server::start(loop::Loop& loop, base::UniqueFd listener,
                                                    core::HttpService& service, Identify identify,
                                                    base::Log& log, ServerLimits limits) {
  std::unique_ptr<Server> server(new Server(loop, service, std::move(identify), log, limits));
  if (auto opened = server->open(std::move(listener)); !opened) return opened.error();
  const int epoll = MHD_get_daemon_info(server->daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  server->poll_ = std::make_unique<loop::Poll>(loop, "http server", epoll,
                                               [self = server.get()](loop::Ready) { self->pump(); });
  server->poll_->want(true, false);
  return server;
}

Server::Server(loop::Loop& loop, core::HttpService& service, Identify identify, base::Log& log,
               ServerLimits limits)
    : service_(service),
      identify_(std::move(identify)),
      log_(log),
      limits_(limits),
      library_timer_(loop, "http server timeout", [this] { pump(); }),
      deadlines_(loop, "http server deadlines", [this] { on_deadlines(); }),
      comments_(loop, "http server comments", [this] { on_comments(); }),
      stop_timer_(loop, "http server stop", [this] { finish_stop(); }),
      run_(loop, "http server run", [this] { pump(); }),
      report_stopped_(loop, "http server stopped", [this] {
        if (const auto done = std::exchange(stopped_, nullptr)) done();  // may destroy this
      }) {}

base::Result<> Server::open(base::UniqueFd listener) {
  listener_ = std::move(listener);
  // The library closes what it is given (except after a quiesce, and after some failures to start): it gets
  // a copy, so that ours has one owner.
  base::UniqueFd copy(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return base::os_error("cannot copy the listening socket", errno);
  const auto idle = std::chrono::duration_cast<std::chrono::seconds>(limits_.idle_timeout).count();
  const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  daemon_ = MHD_start_daemon(
      flags, 0, nullptr, nullptr, &Hooks::access, this,                            //
      MHD_OPTION_EXTERNAL_LOGGER, &Hooks::log_line, static_cast<void*>(this),      // first, to log the rest
      MHD_OPTION_LISTEN_SOCKET, copy.get(),                                        //
      MHD_OPTION_NOTIFY_CONNECTION, &Hooks::connection, static_cast<void*>(this),  //
      MHD_OPTION_NOTIFY_COMPLETED, &Hooks::completed, static_cast<void*>(this),    //
      MHD_OPTION_CONNECTION_LIMIT, limits_.max_connections,                        //
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(std::max<long>(idle, 1)),  //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits_.connection_memory,                  //
      MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                //
      MHD_OPTION_END);
  if (daemon_ == nullptr)
    return base::Error{base::Code::unavailable, "the HTTP server does not start: see the log", {}};
  copy.release();
  return base::success();
}

Server::~Server() {
  close_daemon();
}

// --- the library's turns

void Server::pump() {
  if (daemon_ == nullptr) return;
  resume_ready_streams();
  MHD_run(daemon_);
  if (stopping_ && connections_.empty()) return finish_stop();
  wait_for_library();
}

void Server::resume_ready_streams() {
  for (const auto& connection : connections_) {
    if (connection->phase() != Phase::streaming || !connection->exchange) continue;
    if (connection->exchange->feed()->ready()) connection->exchange->resume();
  }
}

void Server::wait_for_library() {
  MHD_UNSIGNED_LONG_LONG millis = 0;
  if (MHD_get_timeout(daemon_, &millis) != MHD_YES) return library_timer_.stop();
  if (millis == 0) return run_.schedule();
  library_timer_.start(base::Millis(millis));
}

// --- connections

void Server::on_connected(Connection* connection) {
  connection->enter(Phase::waiting);
  if (stopping_) return connection->abort("stopping");
  const auto caller = identify_(connection->uid(), connection->gid());
  if (!caller || caller->role != core::Role::operator_) {
    const auto same = std::count_if(connections_.begin(), connections_.end(),
                                    [&](const auto& other) { return other->uid() == connection->uid(); });
    if (same > static_cast<long>(limits_.max_per_viewer)) return connection->abort("too many connections");
  }
  make_room();
}

void Server::make_room() {
  const std::size_t spare = std::min<std::size_t>(kSpareConnections, limits_.max_connections / 2);
  if (connections_.size() <= limits_.max_connections - spare) return;
  for (const auto& connection : connections_) {
    if (connection->phase() != Phase::waiting || !connection->deadline()) continue;  // or is leaving already
    return connection->abort("made room");
  }
}

void Server::on_closed(Connection* connection) {
  if (connection == nullptr) return;
  std::erase_if(connections_, [&](const auto& entry) { return entry.get() == connection; });
}

void Server::arm_deadlines() {
  std::optional<base::SteadyTime> first;
  for (const auto& connection : connections_) {
    const auto deadline = connection->deadline();
    if (deadline && (!first || *deadline < *first)) first = deadline;
  }
  if (!first) return;
  const auto wait = std::max(std::chrono::ceil<base::Millis>(*first - base::steady_now()), base::Millis(1));
  if (!deadlines_.active() || deadlines_.remaining() > wait) deadlines_.start(wait);
}

void Server::on_deadlines() {
  const auto now = base::steady_now();
  for (const auto& connection : connections_) {
    const auto deadline = connection->deadline();
    if (deadline && *deadline <= now) connection->abort("deadline");
  }
  arm_deadlines();
}

// --- event streams

void Server::stream_opened() {
  if (streams_++ == 0) comments_.start_repeating(limits_.comment_every);
}

void Server::stream_closed() {
  if (--streams_ == 0) comments_.stop();
}

// A client that died while its stream was quiet is found only by writing to it. And a reload may have taken
// away the role under which a stream was opened.
void Server::on_comments() {
  for (const auto& connection : connections_) {
    if (connection->phase() != Phase::streaming || !connection->exchange) continue;
    connection->exchange->feed()->comment();
  }
  end_streams_without_role();
  wake();
}

void Server::end_streams_without_role() {
  for (const auto& connection : connections_) {
    if (connection->phase() != Phase::streaming || !connection->exchange) continue;
    const auto caller = identify_(connection->uid(), connection->gid());
    if (caller && caller->role == core::Role::none) connection->exchange->feed()->end();
  }
}

void Server::callers_known() {
  for (const auto& connection : connections_)
    if (connection->exchange) connection->exchange->caller_known();
  end_streams_without_role();
  wake();
}

// --- the end

void Server::stop(base::Millis deadline, std::function<void()> done) {
  if (stopping_) return;
  stopping_ = true;
  stopped_ = std::move(done);
  base::UniqueFd copy(MHD_quiesce_daemon(daemon_));  // ours again, by the library's contract
  listener_.reset();
  for (const auto& connection : connections_) {
    if (connection->phase() == Phase::waiting) connection->abort("stopping");
    if (connection->phase() == Phase::streaming && connection->exchange) connection->exchange->feed()->end();
  }
  stop_timer_.start(deadline);
  wake();
}

void Server::finish_stop() {
  if (daemon_ == nullptr) return;
  close_daemon();
  report_stopped_.schedule();
}

void Server::close_daemon() {
  if (daemon_ == nullptr) return;
  // The library panics when it is stopped while connections are suspended.
  for (const auto& connection : connections_)
    if (connection->exchange) connection->exchange->resume();
  poll_.reset();  // before the descriptor is closed
  MHD_stop_daemon(std::exchange(daemon_, nullptr));
  library_timer_.stop();
  deadlines_.stop();
  comments_.stop();
  stop_timer_.stop();
  run_.cancel();
}

}  // namespace fairlead::http
