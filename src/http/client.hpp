// The HTTP client of the module fairlead-http.so: libcurl's multi interface on our loop. Private to the
// module; the rest of the program knows core::HttpClient. While no call is under way nothing of it is open
// on the loop.
#pragma once
#include <curl/curl.h>

#include <map>
#include <memory>
#include <set>

#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"

namespace fairlead::http {

class ClientCall;

class Client : public core::HttpClient {
 public:
  // Null when libcurl refuses. Its calls are destroyed before it.
  static std::unique_ptr<Client> make(loop::Loop& loop);
  ~Client() override;

  std::unique_ptr<core::HttpCall> start(core::HttpRequest request, Done done, OnData on_data) override;

  // For the calls. Never from inside one of libcurl's callbacks.
  bool add(ClientCall& call, CURL* easy);
  void remove(ClientCall& call, CURL* easy);

 private:
  Client(loop::Loop& loop, CURLM* multi) : loop_(loop), multi_(multi) {}
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket) noexcept;
  static int on_timer(CURLM* multi, long millis, void* self) noexcept;
  void act(curl_socket_t fd, int events);
  void collect_finished();

  loop::Loop& loop_;
  CURLM* multi_;
  std::set<ClientCall*> calls_;
  std::map<curl_socket_t, std::unique_ptr<loop::Poll>> polls_;
  std::unique_ptr<loop::Timer> timer_;  // only while calls are under way
};

}  // namespace fairlead::http
