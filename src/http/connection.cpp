#include "http/connection.hpp"

#include <sys/socket.h>

#include "base/log.hpp"
#include "http/server.hpp"

namespace fairlead::http {

Connection::Connection(Server& server, MHD_Connection* raw)
    : server_(server), fd_(MHD_get_connection_info(raw, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  // Should the kernel not say, the ids stay those of nobody, who has no role.
  if (::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer) {
    uid_ = peer.uid;
    gid_ = peer.gid;
  }
}

Connection::~Connection() {
  if (phase_ == Phase::streaming) server_.stream_closed();
}

void Connection::enter(Phase phase) {
  if (phase_ == Phase::streaming && phase != Phase::streaming) server_.stream_closed();
  if (phase_ != Phase::streaming && phase == Phase::streaming) server_.stream_opened();
  phase_ = phase;
  deadline_.reset();
  if (phase == Phase::waiting) deadline_ = base::steady_now() + server_.limits_.request_deadline;
  if (phase == Phase::sending) deadline_ = base::steady_now() + server_.limits_.answer_deadline;
  if (deadline_) server_.arm_deadlines();
  if (phase == Phase::waiting && server_.stopping_) abort("stopping");
}

void Connection::abort(const char* why) {
  if (aborted_) return;
  aborted_ = true;
  deadline_.reset();
  server_.log_.debug("http_connection_ended", {{"uid", uid_}, {"why", why}});
  ::shutdown(fd_, SHUT_RDWR);
  if (exchange) exchange->resume();
  server_.wake();
}

}  // namespace fairlead::http
