#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "http/connection.hpp"
#include "http/server.hpp"

namespace fairlead::http {

namespace {

// What the service holds. It never keeps the exchange alive: a client that left has no exchange any more.
class ExchangeResponder : public core::Responder {
 public:
  explicit ExchangeResponder(std::weak_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeResponder() override {
    ExchangeResponder::answer(
        core::problem({base::Code::internal, "the request was dropped without an answer", {}}));
  }
  void answer(core::ServerResponse response) override {
    if (const auto exchange = std::exchange(exchange_, {}).lock()) exchange->answer(std::move(response));
  }
  void stream(core::EventStream stream) override {
    if (const auto exchange = std::exchange(exchange_, {}).lock()) exchange->stream(stream);
  }

 private:
  std::weak_ptr<Exchange> exchange_;
};

core::NamedValues values_of(MHD_Connection* raw, MHD_ValueKind kind) {
  core::NamedValues values;
  MHD_get_connection_values_n(
      raw, kind,
      [](void* out, MHD_ValueKind, const char* key, std::size_t key_size, const char* value,
         std::size_t value_size) noexcept {
        static_cast<core::NamedValues*>(out)->emplace_back(
            std::string(key, key_size), value == nullptr ? std::string() : std::string(value, value_size));
        return MHD_YES;
      },
      &values);
  return values;
}

}  // namespace

Exchange::Exchange(Connection& connection, MHD_Connection* raw, const char* method, const char* path)
    : connection_(connection), raw_(raw) {
  request_.method = method;
  request_.path = path;
}

Exchange::~Exchange() = default;

MHD_Result Exchange::on_call(const char* upload, std::size_t* size) {
  switch (state_) {
    case State::head:
      return on_head();
    case State::body:
      return *size > 0 ? on_body(upload, size) : identify();
    case State::identifying:
      return identify();
    case State::handed_over:
      // Resumed without an answer: the connection is being aborted.
      return response_ || feed_ ? queue_outcome() : MHD_NO;
    case State::queued:
      return MHD_NO;
  }
  return MHD_NO;
}

MHD_Result Exchange::on_head() {
  state_ = State::body;
  request_.headers = values_of(raw_, MHD_HEADER_KIND);
  request_.query = values_of(raw_, MHD_GET_ARGUMENT_KIND);
  const auto length = base::parse_unsigned(request_.header("Content-Length").value_or("0"));
  if (length && *length <= connection_.server().limits_.max_body) return MHD_YES;
  // Answered before the body is read, the library closes the connection afterwards.
  response_ = core::problem({base::Code::too_large, "the request's body is too large", {}});
  return queue_outcome();
}

MHD_Result Exchange::on_body(const char* upload, std::size_t* size) {
  // A chunked body says its size only by being there. No answer can be queued in the middle of it: the rest
  // is dropped until it ends, or the deadline comes.
  if (request_.body.size() + *size > connection_.server().limits_.max_body) too_large_ = true;
  if (!too_large_) request_.body.append(upload, *size);
  *size = 0;
  return MHD_YES;
}

MHD_Result Exchange::identify() {
  state_ = State::identifying;
  if (too_large_) {
    response_ = core::problem({base::Code::too_large, "the request's body is too large", {}});
    return queue_outcome();
  }
  auto caller = connection_.server().identify_(connection_.uid(), connection_.gid());
  if (caller) return hand_over(std::move(*caller));
  if (connection_.aborted()) return MHD_NO;
  suspend();
  return MHD_YES;
}

void Exchange::caller_known() {
  if (state_ == State::identifying) resume();
}

MHD_Result Exchange::hand_over(core::Caller caller) {
  state_ = State::handed_over;
  Server& server = connection_.server();
  connection_.enter(Phase::handling);
  request_.caller = std::move(caller);
  in_service_ = true;
  server.service_.handle(request_, std::make_shared<ExchangeResponder>(weak_from_this()));
  in_service_ = false;
  if (response_ || feed_) return queue_outcome();
  suspend();
  return MHD_YES;
}

void Exchange::answer(core::ServerResponse response) {
  if (state_ != State::handed_over || response_ || feed_) return;
  response_ = std::move(response);
  answered();
}

void Exchange::stream(const core::EventStream& stream) {
  if (state_ != State::handed_over || response_ || feed_) return;
  Server& server = connection_.server();
  if (server.streams() >= server.limits_.max_streams || server.stopping_) {
    return answer(core::problem({base::Code::unavailable, "no more event streams are served now", {}}));
  }
  feed_ = std::make_unique<EventFeed>(stream, [&server] { server.wake(); });
  answered();
}

void Exchange::answered() {
  if (!in_service_) resume();
}

void Exchange::suspend() {
  suspended_ = true;
  MHD_suspend_connection(raw_);
}

void Exchange::resume() {
  if (!suspended_) return;
  suspended_ = false;
  MHD_resume_connection(raw_);
  connection_.server().wake();  // resuming does not make the library's epoll descriptor readable
}

MHD_Result Exchange::queue_outcome() {
  state_ = State::queued;
  Server& server = connection_.server();
  const int status = response_ ? response_->status : 200;
  server.log_.debug(
      "http_request",
      {{"method", request_.method}, {"path", request_.path}, {"status", status}, {"uid", connection_.uid()}});
  if (feed_) {
    connection_.enter(Phase::streaming);
    constexpr std::size_t kBlock = 8192;
    const auto read = [](void* self, std::uint64_t, char* out, std::size_t size) noexcept -> ssize_t {
      return static_cast<Exchange*>(self)->read_feed(out, size);
    };
    return queue_response(MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kBlock, read, this, nullptr),
                          200, "text/event-stream", {});
  }
  connection_.enter(Phase::sending);
  std::string& body = response_->body;
  return queue_response(
      MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY),  // outlives us
      status, response_->content_type, response_->headers);
}

MHD_Result Exchange::queue_response(MHD_Response* response, int status, const std::string& content_type,
                                    const core::NamedValues& headers) {
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  for (const auto& [name, value] : headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  const MHD_Result queued = MHD_queue_response(raw_, static_cast<unsigned>(status), response);
  MHD_destroy_response(response);
  return queued;
}

ssize_t Exchange::read_feed(char* out, std::size_t size) {
  const std::size_t got = feed_->read({out, size});
  if (got > 0) return static_cast<ssize_t>(got);
  if (feed_->ended()) return MHD_CONTENT_READER_END_OF_STREAM;
  suspend();  // without it, 0 would be asked again at once, for ever
  return 0;
}

}  // namespace fairlead::http
