#include "ssh/health_check.hpp"

#include <unistd.h>

#include <utility>

#include "loop/address.hpp"

namespace fairlead::ssh {

HealthCheck::HealthCheck(SessionSite& site, Session& session, const core::HealthCheck& config,
                         ClientSource client, std::string socket_path, core::ForwardStatus& uncounted,
                         OnResult on_result)
    : site_(site),
      session_(session),
      config_(config),
      url_(core::parse_url(config.url).value_or(core::Url{})),  // config loading has checked it
      client_(std::move(client)),
      socket_path_(std::move(socket_path)),
      uncounted_(uncounted),
      on_result_(std::move(on_result)),
      interval_(site.loop, "health-interval", [this] { ask(); }) {
  interval_.start(base::Millis(0));
}

HealthCheck::~HealthCheck() {
  call_.reset();
  if (open_id_ != 0) session_.opener().cancel(open_id_);
  close_listener();
}

void HealthCheck::close_listener() {
  if (!poll_) return;
  poll_.reset();
  listener_.reset();
  ::unlink(socket_path_.c_str());
}

void HealthCheck::ask() {
  began_ = base::steady_now();
  open_error_.clear();
  auto client = client_();
  if (!client) return report(0, client.error().text());
  core::HttpRequest request;
  request.url = config_.url;
  request.timeout = config_.timeout;
  request.headers = {{"User-Agent", "fairlead/" FAIRLEAD_VERSION}};
  if (config_.from == core::Side::remote) {
    if (auto listening = listen(); !listening) return report(0, listening.error().text());
    request.unix_socket = socket_path_;
  }
  call_ = (*client)->start(std::move(request), [this](base::Result<core::HttpResponse> response) {
    on_response(std::move(response));
  });
}

base::Result<> HealthCheck::listen() {
  close_listener();
  const auto address = loop::Address::unix_path(socket_path_);
  if (!address) return address.error();
  ::unlink(socket_path_.c_str());  // left by a daemon that was killed
  auto listener = loop::listen_on(*address, 1);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  poll_ = std::make_unique<loop::Poll>(site_.loop, "health-listener", listener_.get(),
                                       [this](loop::Ready) { on_connection(); });
  poll_->want(true, false);
  return base::success();
}

void HealthCheck::on_connection() {
  auto accepted = loop::accept_one(listener_.get());
  if (!accepted || !*accepted) return;
  client_fd_ = std::move(**accepted);
  close_listener();
  open_id_ = session_.opener().open(
      url_.host, config_.timeout,
      [this](OpenResult result, ChannelPtr channel) { on_opened(result, std::move(channel)); });
  session_.wake();
}

void HealthCheck::on_opened(OpenResult result, ChannelPtr channel) {
  open_id_ = 0;
  if (result == OpenResult::opened)
    return session_.join(std::move(channel), std::move(client_fd_), {}, core::ForwardKind::local, uncounted_);
  const std::string target = core::to_string(url_.host);
  if (result == OpenResult::prohibited)
    open_error_ = "the server forbids channels to " + target + " (AllowTcpForwarding, permitopen)";
  else if (result == OpenResult::connect_failed)
    open_error_ = "the server cannot connect to " + target;
  else if (result == OpenResult::timed_out)
    open_error_ = "no answer from " + target + " in time";
  else if (result == OpenResult::never_sent)
    open_error_ = "not asked in time: another channel's open, which is not answered, was in the way";
  else
    open_error_ = "the server refused a channel to " + target;
  client_fd_.reset();  // the HTTP call ends with it
}

void HealthCheck::on_response(base::Result<core::HttpResponse> response) {
  call_.reset();
  if (response) return report(response->status, {});
  report(0, open_error_.empty() ? response.error().message : open_error_);
}

void HealthCheck::report(int http_status, std::string error) {
  close_listener();
  if (open_id_ != 0) session_.opener().cancel(std::exchange(open_id_, 0));
  client_fd_.reset();
  interval_.start(config_.interval);
  core::HealthResult result;
  result.time = base::wall_now();
  result.http_status = http_status;
  result.error = std::move(error);
  result.good = http_status >= 200 && http_status < 400;
  result.latency = std::chrono::duration_cast<base::Millis>(base::steady_now() - began_);
  on_result_(std::move(result));
}

}  // namespace fairlead::ssh
