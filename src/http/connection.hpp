// The server's side of one client: a Connection for as long as its socket is open, an Exchange for each
// request on it. Private to this folder; owned by Server, alive between the library's "started" and "closed".
#pragma once
#include <microhttpd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "core/http_service.hpp"
#include "http/event_feed.hpp"

namespace fairlead::http {

class Server;
class Exchange;

enum class Phase : std::uint8_t {
  waiting,    // for a complete request, and to know whose it is; has a deadline
  handling,   // the service has it; suspended, no deadline: the service's own parts have theirs
  sending,    // an answer; has a deadline
  streaming,  // events; ends with the client, the server, or the caller's role
};

class Connection {
 public:
  Connection(Server& server, MHD_Connection* raw);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void enter(Phase phase);  // sets the phase's deadline
  Phase phase() const { return phase_; }
  std::optional<base::SteadyTime> deadline() const { return deadline_; }
  // The library has no call for it: the socket's end is what makes it close. `why` goes into the log.
  void abort(const char* why);
  bool aborted() const { return aborted_; }

  Server& server() { return server_; }
  std::uint32_t uid() const { return uid_; }
  std::uint32_t gid() const { return gid_; }

  std::shared_ptr<Exchange> exchange;  // the request under way

 private:
  Server& server_;
  int fd_;  // the library's
  std::uint32_t uid_ = UINT32_MAX;
  std::uint32_t gid_ = UINT32_MAX;
  Phase phase_ = Phase::waiting;
  std::optional<base::SteadyTime> deadline_;
  bool aborted_ = false;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Connection& connection, MHD_Connection* raw, const char* method, const char* path);
  ~Exchange();

  // The library's access handler: the head, then pieces of the body, then once with nothing, and once more
  // after every resume.
  MHD_Result on_call(const char* upload, std::size_t* size);

  void answer(core::ServerResponse response);
  void stream(const core::EventStream& stream);

  void caller_known();  // or one of them: a request that waits for its own asks again

  EventFeed* feed() { return feed_.get(); }
  void resume();  // harmless when not suspended

 private:
  enum class State : std::uint8_t { head, body, identifying, handed_over, queued };
  MHD_Result on_head();
  MHD_Result on_body(const char* upload, std::size_t* size);
  MHD_Result identify();
  MHD_Result hand_over(core::Caller caller);
  MHD_Result queue_outcome();
  MHD_Result queue_response(MHD_Response* response, int status, const std::string& content_type,
                            const core::NamedValues& headers);
  void suspend();
  void answered();
  ssize_t read_feed(char* out, std::size_t size);

  Connection& connection_;
  MHD_Connection* raw_;
  core::ServerRequest request_;
  State state_ = State::head;
  bool too_large_ = false;
  bool suspended_ = false;
  bool in_service_ = false;
  std::optional<core::ServerResponse> response_;
  std::unique_ptr<EventFeed> feed_;
};

}  // namespace fairlead::http
