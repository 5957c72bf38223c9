#include "cli/daemon_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "base/unique_fd.hpp"
#include "loop/timer.hpp"

namespace fairlead::cli {

namespace {

using namespace std::chrono_literals;

constexpr base::Millis kReadWithin = 10s;
constexpr base::Millis kChangeWithin = 60s;  // a reload may have to wait for files and ports
constexpr base::Millis kCloseWithin = 2s;
constexpr std::size_t kLargestAnswer = 64u << 20;  // the status of thousands of tunnels

base::Code code_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(base::Code::internal); ++i)
    if (base::to_string(static_cast<base::Code>(i)) == name) return static_cast<base::Code>(i);
  return base::Code::internal;
}

// errno of a connection to the socket, 0 when it can be made. Only asked after a request has failed.
int connect_error(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

base::Result<Reply> parse_reply(const core::HttpResponse& response) {
  auto body = base::Json::parse(response.body.empty() ? "null" : response.body);
  if (!body)
    return base::Error{base::Code::protocol, "the daemon's answer is not JSON: " + body.error().message, {}};
  return Reply{response.status, std::move(*body)};
}

bool is_good(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

base::Error error_of(const Reply& reply) {
  const auto problem = reply.body.view();
  std::string message(problem["detail"].text(problem["title"].text()));
  if (message.empty()) message = "the daemon answered with HTTP status " + std::to_string(reply.status);
  return {code_named(problem["code"].text()), std::move(message), {}};
}

std::string escape_segment(std::string_view text) {
  constexpr std::string_view kUnreserved = "-._~";  // RFC 3986 section 2.3, with letters and digits
  std::string escaped;
  for (const char byte : text) {
    const auto value = static_cast<std::uint8_t>(byte);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || kUnreserved.find(byte) != std::string_view::npos;
    if (plain)
      escaped.push_back(byte);
    else
      escaped += "%" + base::hex({&value, 1});
  }
  // "." and ".." would be taken for steps in the path.
  if (escaped == ".") return "%2e";
  if (escaped == "..") return "%2e%2e";
  return escaped;
}

base::Result<std::unique_ptr<DaemonClient>> DaemonClient::open(Context& context) {
  auto address = context.locate();
  if (!address) return address.error();
  std::unique_ptr<DaemonClient> client(new DaemonClient(std::move(*address)));
  auto http = context.make_http(client->loop_);
  if (!http) {
    auto error = http.error();
    if (error.code == base::Code::unavailable)
      error.code = base::Code::unsupported;  // the module, not the daemon
    return error;
  }
  client->http_ = std::move(*http);
  return client;
}

DaemonClient::~DaemonClient() {
  http_.reset();
  (void)loop_.drain(kCloseWithin);  // what is still open then is named by the loop's destructor
}

core::HttpRequest DaemonClient::request(std::string_view method, const std::string& path) const {
  core::HttpRequest request;
  request.method = method;
  request.url = "http://localhost" + path;
  request.unix_socket = address_.socket;
  request.timeout = method == "GET" ? kReadWithin : kChangeWithin;
  request.max_body = kLargestAnswer;
  return request;
}

base::Error DaemonClient::unreachable(const base::Error& cause) const {
  std::string message = "no daemon at " + address_.socket;
  switch (const int reason = connect_error(address_.socket); reason) {
    case 0:
      message = "the daemon at " + address_.socket + " does not answer: " + cause.text();
      break;
    case EACCES:
    case EPERM:
      return {base::Code::unavailable,
              "the daemon's socket " + address_.socket +
                  " is not open to this user: ask for membership in its group, or use root",
              {}};
    case ENOENT:
    case ECONNREFUSED:
      message += reason == ENOENT ? " (no such socket)" : " (its socket is left over)";
      message += "; start it with: " + address_.start_command;
      break;
    default:
      message += " (" + base::os_error("connect", reason).message + ")";
  }
  return {base::Code::unavailable, std::move(message), {}};
}

bool DaemonClient::may_come_up() const {
  const int reason = connect_error(address_.socket);
  return reason == 0 || reason == ENOENT || reason == ECONNREFUSED || reason == EAGAIN;
}

base::Result<Reply> DaemonClient::exchange(std::string_view method, const std::string& path,
                                           const std::string& body) {
  const base::Error cancelled{base::Code::cancelled, "interrupted", {}};
  if (interrupted_) return cancelled;
  auto question = request(method, path);
  question.body = body;
  if (!body.empty()) question.headers.emplace_back("Content-Type", "application/json");
  std::optional<base::Result<core::HttpResponse>> answer;
  const auto call = http_->start(std::move(question), [&](base::Result<core::HttpResponse> result) {
    answer.emplace(std::move(result));
    loop_.stop();
  });
  loop_.run();
  if (!answer) return cancelled;
  if (*answer) return parse_reply(**answer);
  const auto& error = answer->error();
  const bool about_answer = error.code == base::Code::protocol || error.code == base::Code::too_large;
  return about_answer ? error : unreachable(error);
}

base::Result<base::Json> DaemonClient::ask(std::string_view method, const std::string& path,
                                           const std::string& body) {
  auto reply = exchange(method, path, body);
  if (!reply) return reply.error();
  if (!is_good(reply->status)) return error_of(*reply);
  return std::move(reply->body);
}

void DaemonClient::Stream::end(base::Error error) {
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(std::move(error));
}

std::unique_ptr<DaemonClient::Stream> DaemonClient::follow(const std::string& path,
                                                           std::string_view last_event_id, OnEvent on_event,
                                                           OnEnd on_end) {
  std::unique_ptr<Stream> stream(new Stream(std::move(on_event), std::move(on_end)));
  auto question = request("GET", path);
  question.timeout = 0ms;
  question.headers.emplace_back("Accept", "text/event-stream");
  if (!last_event_id.empty()) question.headers.emplace_back("Last-Event-ID", last_event_id);
  auto done = [this, held = stream.get()](base::Result<core::HttpResponse> result) {
    if (!result) return held->end(unreachable(result.error()));
    if (is_good(result->status))
      return held->end({base::Code::unavailable, "the daemon ended the stream", {}});
    const auto reply = parse_reply(*result);
    held->end(reply ? error_of(*reply) : reply.error());
  };
  auto on_data = [held = stream.get()](std::string_view bytes) {
    if (!held->events_.feed(bytes)) held->end({base::Code::protocol, "the daemon sent an endless line", {}});
  };
  stream->call_ = http_->start(std::move(question), std::move(done), std::move(on_data));
  return stream;
}

void DaemonClient::pause(base::Millis duration) {
  if (interrupted_ || std::exchange(woken_, false)) return;
  loop::Timer timer(loop_, "pause", [this] { loop_.stop(); });
  timer.start(duration);
  pausing_ = true;
  loop_.run();
  pausing_ = woken_ = false;
}

void DaemonClient::wake() {
  woken_ = true;
  if (pausing_) loop_.stop();
}

void DaemonClient::interrupt() {
  interrupted_ = true;
  loop_.stop();
}

}  // namespace fairlead::cli
