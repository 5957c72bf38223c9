// Asks a URL at intervals while a line is up, from this side or, over the SSH connection, from the server's
// side.
//
// From the remote side: libcurl talks to a one-shot UNIX listener in the runtime directory, whose only
// connection is joined with a direct-tcpip channel to the URL's host. So the name resolves over there, the
// Host header is kept, and nothing is resolved here (libcurl over a socketpair fails, and plain use resolves
// locally: measured). Owned by a Tunnel; dies before the line.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/ports.hpp"
#include "core/url.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "ssh/session.hpp"

namespace fairlead::ssh {

class HealthCheck {
 public:
  using OnResult = std::function<void(core::HealthResult)>;
  // Yields the HTTP client, loading its module on first use. The client outlives the check.
  using ClientSource = std::function<base::Result<core::HttpClient*>()>;

  // `socket_path`: free for this check alone, at most 107 bytes. `uncounted` outlives the session's relays.
  HealthCheck(SessionSite& site, Session& session, const core::HealthCheck& config, ClientSource client,
              std::string socket_path, core::ForwardStatus& uncounted, OnResult on_result);
  ~HealthCheck();
  HealthCheck(const HealthCheck&) = delete;
  HealthCheck& operator=(const HealthCheck&) = delete;

 private:
  void ask();
  base::Result<> listen();
  void on_connection();
  void on_opened(OpenResult result, ChannelPtr channel);
  void on_response(base::Result<core::HttpResponse> response);
  void report(int http_status, std::string error);
  void close_listener();

  SessionSite& site_;
  Session& session_;
  core::HealthCheck config_;
  core::Url url_;
  ClientSource client_;
  std::string socket_path_;
  core::ForwardStatus& uncounted_;
  OnResult on_result_;

  base::UniqueFd listener_;
  std::unique_ptr<loop::Poll> poll_;
  base::UniqueFd client_fd_;  // accepted, waiting for its channel
  ChannelOpener::Id open_id_ = 0;
  std::string open_error_;  // says more than "connection closed"
  std::unique_ptr<core::HttpCall> call_;
  base::SteadyTime began_;
  loop::Timer interval_;
};

}  // namespace fairlead::ssh
