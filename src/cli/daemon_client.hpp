// Requests to the daemon over its control socket, in a straight line: each call runs a loop of its own until
// the answer is there. A command owns one; one thread. The contract is docs/api.md.
//
// Failures: Code::unavailable when nothing answers (the message names the socket and what starts the daemon),
// else what the daemon's problem+json says, Code::cancelled after interrupt().
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "cli/context.hpp"
#include "cli/event_stream.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"

namespace fairlead::cli {

struct Reply {
  int status = 0;
  base::Json body;  // a problem's when status is not 2xx
};

// What a reply that is not 2xx says went wrong.
base::Error error_of(const Reply& reply);

// "a b/c" → "a%20b%2fc": one segment of a path, or a value of a query.
std::string escape_segment(std::string_view text);

class DaemonClient {
 public:
  // Finds the socket and loads the HTTP module; sends nothing yet.
  static base::Result<std::unique_ptr<DaemonClient>> open(Context& context);
  ~DaemonClient();
  DaemonClient(const DaemonClient&) = delete;
  DaemonClient& operator=(const DaemonClient&) = delete;

  // Any answer of the daemon, also a refusal.
  base::Result<Reply> exchange(std::string_view method, const std::string& path,
                               const std::string& body = {});
  // The body of a 2xx answer.
  base::Result<base::Json> ask(std::string_view method, const std::string& path,
                               const std::string& body = {});
  base::Result<base::Json> get(const std::string& path) { return ask("GET", path); }

  // After Code::unavailable: whether a daemon that is starting is a likely reason. Not where this user may
  // not connect.
  bool may_come_up() const;

  // An event stream that lives until the handle is destroyed. `on_end` tells why it ended, once; neither is
  // called from inside follow(), both only while this client waits in a call; neither may destroy the handle.
  class Stream;
  using OnEvent = std::function<void(const StreamEvent&)>;
  using OnEnd = std::function<void(base::Error)>;
  std::unique_ptr<Stream> follow(const std::string& path, std::string_view last_event_id, OnEvent on_event,
                                 OnEnd on_end);

  // Waits, for streams and signals too. Returns early after wake() or interrupt().
  void pause(base::Millis duration);
  void wake();       // from a callback: ends this or the next pause
  void interrupt();  // from a callback: ends any call, and all that follow
  bool interrupted() const { return interrupted_; }

  loop::Loop& loop() { return loop_; }

 private:
  explicit DaemonClient(DaemonAddress address) : address_(std::move(address)) {}
  core::HttpRequest request(std::string_view method, const std::string& path) const;
  base::Error unreachable(const base::Error& cause) const;

  DaemonAddress address_;
  loop::Loop loop_;
  std::unique_ptr<core::HttpClient> http_;  // after loop_: it lives on it
  bool pausing_ = false;
  bool woken_ = false;
  bool interrupted_ = false;
};

class DaemonClient::Stream {
 private:
  friend class DaemonClient;
  Stream(OnEvent on_event, OnEnd on_end) : events_(std::move(on_event)), on_end_(std::move(on_end)) {}
  void end(base::Error error);  // once

  EventStream events_;
  OnEnd on_end_;
  std::unique_ptr<core::HttpCall> call_;
};

}  // namespace fairlead::cli
