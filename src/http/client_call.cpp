#include "http/client_call.hpp"

#include <utility>

#include "base/text.hpp"

namespace fairlead::http {

namespace {

constexpr std::size_t kStreamBuffer = 8 * 1024;  // held for on_data before libcurl has to wait
constexpr std::size_t kMostHeaders = 16 * 1024;  // bytes kept; libcurl has a limit of its own for what comes
constexpr std::size_t kMaxUnixPath = 107;        // sun_path, with its terminator

}  // namespace

ClientCall::ClientCall(loop::Loop& loop, Client& client, core::HttpRequest request,
                       core::HttpClient::Done done, core::HttpClient::OnData on_data)
    : client_(&client),
      request_(std::move(request)),
      done_(std::move(done)),
      on_data_(std::move(on_data)),
      easy_(curl_easy_init()),
      deliver_(loop, "http client call", [this] { deliver(); }) {}

ClientCall::~ClientCall() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  leave();
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

void ClientCall::begin() {
  if (auto error = set_options()) return fail(std::move(*error));
  added_ = client_->add(*this, easy_);
  if (!added_) fail({base::Code::internal, "libcurl does not take the request", request_.url});
}

std::optional<base::Error> ClientCall::set_options() {
  if (easy_ == nullptr) return base::Error{base::Code::internal, "libcurl has no memory", {}};
  if (request_.unix_socket.size() > kMaxUnixPath)
    return base::Error{base::Code::bad_request, "a UNIX socket path has 1 to 107 bytes",
                       request_.unix_socket};
  bool good = true;
  const auto set = [&](CURLoption option, auto value) {
    good = curl_easy_setopt(easy_, option, value) == CURLE_OK && good;
  };
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_ERRORBUFFER, error_text_);
  set(CURLOPT_NOSIGNAL, 1L);
  // A resolver thread that hangs must not be waited for when a call is cancelled: that would block the loop.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "fairlead/" FAIRLEAD_VERSION);
  // Each request its own connection: a health check shall not pass over yesterday's, and nothing stays open.
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
  if (!request_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  headers_ = curl_slist_append(headers_, "Expect:");  // no round trip before the body
  for (const auto& [name, value] : request_.headers) {
    std::string line = name;
    line.append(value.empty() ? ";" : ": ").append(value);
    headers_ = curl_slist_append(headers_, line.c_str());
  }
  set(CURLOPT_HTTPHEADER, headers_);
  set(CURLOPT_WRITEFUNCTION, &ClientCall::on_write);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &ClientCall::on_header);
  set(CURLOPT_HEADERDATA, this);
  if (good) return std::nullopt;
  return base::Error{base::Code::unsupported, "this libcurl lacks an option that the client needs", {}};
}

int ClientCall::status() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

bool ClientCall::streams() const {
  return on_data_ != nullptr && status() >= 200 && status() < 300;
}

std::size_t ClientCall::on_write(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto* call = static_cast<ClientCall*>(self);
  if (call->streams()) {
    if (call->body_.size() >= kStreamBuffer) {
      call->paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    call->deliver_.schedule();
  } else if (call->body_.size() + size > call->request_.max_body) {
    call->too_large_ = true;
    return 0;  // CURLE_WRITE_ERROR
  }
  call->body_.append(data, size);
  return size;
}

// One line of the head, its end included. A status line begins a head anew: what came before it was an
// interim response (RFC 9110 section 15.2).
std::size_t ClientCall::on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
  auto* call = static_cast<ClientCall*>(self);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    call->response_headers_.clear();
    call->header_bytes_ = 0;
    return size;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || call->header_bytes_ + size > kMostHeaders) return size;
  call->header_bytes_ += size;
  call->response_headers_.emplace_back(line.substr(0, colon), base::trim(line.substr(colon + 1)));
  return size;
}

void ClientCall::on_finished(CURLcode result) {
  if (result == CURLE_OK)
    outcome_ = core::HttpResponse{status(), {}, std::move(response_headers_)};
  else
    outcome_ = error_of(result);
  leave();
  deliver_.schedule();
}

void ClientCall::fail(base::Error error) {
  outcome_ = std::move(error);
  deliver_.schedule();
}

void ClientCall::leave() {
  if (added_ && client_ != nullptr) client_->remove(*this, easy_);
  added_ = false;
}

// The only place that calls back. Each callback may destroy this.
void ClientCall::deliver() {
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (!body_.empty() && streams()) {
    const std::string piece = std::exchange(body_, {});
    const auto on_data = on_data_;
    on_data(piece);
    if (destroyed) return;
  }
  if (outcome_) {
    auto outcome = std::move(*outcome_);
    outcome_.reset();
    if (outcome) outcome->body = std::exchange(body_, {});
    const auto done = std::exchange(done_, nullptr);
    done(std::move(outcome));
    if (destroyed) return;
  } else if (std::exchange(paused_, false)) {
    curl_easy_pause(easy_, CURLPAUSE_CONT);  // hands over what it held, from inside this call
  }
  destroyed_ = nullptr;
}

base::Error ClientCall::error_of(CURLcode result) const {
  using base::Code;
  const std::string where = request_.unix_socket.empty() ? request_.url : request_.unix_socket;
  const std::string text = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(result);
  if (too_large_)
    return {Code::too_large, "the answer is larger than " + std::to_string(request_.max_body) + " bytes",
            where};
  // An answer in another protocol has the code of a URL in another protocol: tell them by whether we asked.
  long asked_bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &asked_bytes);
  if (result == CURLE_UNSUPPORTED_PROTOCOL && asked_bytes > 0) return {Code::protocol, text, where};
  switch (result) {
    case CURLE_COULDNT_CONNECT:
      return {Code::unavailable, text, where};
    case CURLE_OPERATION_TIMEDOUT:
      return {Code::timed_out, text, where};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Code::not_found, text, where};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Code::bad_request, text, where};
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return {Code::io, text, where};
    default:  // TLS, a malformed answer: the peer's fault
      return {Code::protocol, text, where};
  }
}

}  // namespace fairlead::http
