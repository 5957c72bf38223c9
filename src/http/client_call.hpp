// One request of the HTTP client. Owned by whoever started it; destroying it cancels, at any time and also
// from inside its own callbacks: those are called from the loop, never from inside libcurl.
#pragma once
#include <curl/curl.h>

#include <optional>
#include <string>

#include "core/ports.hpp"
#include "http/client.hpp"
#include "loop/loop.hpp"

namespace fairlead::http {

class ClientCall : public core::HttpCall {
 public:
  ClientCall(loop::Loop& loop, Client& client, core::HttpRequest request, core::HttpClient::Done done,
             core::HttpClient::OnData on_data);
  ~ClientCall() override;
  ClientCall(const ClientCall&) = delete;
  ClientCall& operator=(const ClientCall&) = delete;

  void begin();                       // a failure is delivered like any other outcome
  void on_finished(CURLcode result);  // by the client, outside of libcurl's callbacks
  void forget_client() { client_ = nullptr; }

 private:
  std::optional<base::Error> set_options();
  static std::size_t on_write(char* data, std::size_t, std::size_t size, void* self) noexcept;
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept;
  bool streams() const;
  void leave();  // libcurl forgets the transfer
  void fail(base::Error error);
  void deliver();
  base::Error error_of(CURLcode result) const;
  int status() const;

  Client* client_;
  core::HttpRequest request_;
  core::HttpClient::Done done_;
  core::HttpClient::OnData on_data_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = "";
  decltype(core::HttpResponse::headers) response_headers_;
  std::size_t header_bytes_ = 0;
  std::string body_;     // kept, or waiting for on_data
  bool paused_ = false;  // libcurl holds more than we take
  bool too_large_ = false;
  bool added_ = false;
  std::optional<base::Result<core::HttpResponse>> outcome_;
  bool* destroyed_ = nullptr;  // where deliver() learns that a callback destroyed this
  loop::Deferred deliver_;
};

}  // namespace fairlead::http
