#include "http/client.hpp"

#include <utility>

#include "http/client_call.hpp"
#include "http/module.hpp"

namespace fairlead::http {

std::unique_ptr<Client> Client::make(loop::Loop& loop) {
  // Counted by libcurl; never undone, as the module stays loaded.
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return nullptr;
  CURLM* multi = curl_multi_init();
  if (multi == nullptr) return nullptr;
  std::unique_ptr<Client> client(new Client(loop, multi));
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Client::on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Client::on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client.get());
  return client;
}

Client::~Client() {
  for (ClientCall* call : std::set<ClientCall*>(calls_)) call->forget_client();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<core::HttpCall> Client::start(core::HttpRequest request, Done done, OnData on_data) {
  auto call =
      std::make_unique<ClientCall>(loop_, *this, std::move(request), std::move(done), std::move(on_data));
  call->begin();
  return call;
}

bool Client::add(ClientCall& call, CURL* easy) {
  if (!timer_)
    timer_ = std::make_unique<loop::Timer>(loop_, "http client", [this] { act(CURL_SOCKET_TIMEOUT, 0); });
  calls_.insert(&call);
  if (curl_multi_add_handle(multi_, easy) == CURLM_OK) return true;
  calls_.erase(&call);
  if (calls_.empty()) timer_.reset();
  return false;
}

void Client::remove(ClientCall& call, CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
  calls_.erase(&call);
  if (!calls_.empty()) return;
  timer_.reset();
  polls_.clear();
}

int Client::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) noexcept {
  auto* client = static_cast<Client*>(self);
  if (what == CURL_POLL_REMOVE) {
    client->polls_.erase(fd);  // before libcurl closes it
    return 0;
  }
  auto& poll = client->polls_[fd];
  if (!poll) {
    poll = std::make_unique<loop::Poll>(client->loop_, "http client", fd, [client, fd](loop::Ready ready) {
      client->act(fd, (ready.read ? CURL_CSELECT_IN : 0) | (ready.write ? CURL_CSELECT_OUT : 0));
    });
  }
  poll->want((what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
  return 0;
}

int Client::on_timer(CURLM*, long millis, void* self) noexcept {
  auto* client = static_cast<Client*>(self);
  if (!client->timer_) return 0;  // a straggler of the last call
  if (millis < 0)
    client->timer_->stop();
  else
    client->timer_->start(base::Millis(millis));  // 0 too: libcurl may not be entered from here
  return 0;
}

void Client::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect_finished();
}

void Client::collect_finished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    ClientCall* call = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
    call->on_finished(message->data.result);  // ends the message's life
  }
}

}  // namespace fairlead::http

const char* fairlead_http_module_abi() {
  return fairlead::http::kModuleAbi;
}

fairlead::core::HttpClient* fairlead_http_client_new(fairlead::loop::Loop& loop) {
  return fairlead::http::Client::make(loop).release();
}
