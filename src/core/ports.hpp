// The narrow interfaces through which sibling folders meet in app/. A port's owner is always app/; whoever is
// handed a reference may use it until it is destroyed itself. Loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "core/config.hpp"
#include "core/notify_status.hpp"
#include "core/policy_status.hpp"
#include "core/status.hpp"

namespace fairlead::core {

// --- audit
struct AuditEntry {
  std::string tunnel;  // empty: the daemon itself
  std::string actor;
  std::string actor_class;  // "human" or "automation"
  std::string event;        // "bridge_connected"
  std::string detail;       // one line, made printable by the log
};

class AuditPort {
 public:
  virtual ~AuditPort() = default;
  virtual void append(AuditEntry entry) = 0;  // queued at once, on disk soon after; never blocks
};

// --- events for clients
class EventPort {
 public:
  virtual ~EventPort() = default;
  virtual void publish(std::string_view type, const base::Json& body) = 0;  // "tunnel_state", "reload", …
};

// --- HTTP client (in fairlead-http.so)
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string unix_socket;  // when set, the connection goes there; the URL's host stays in the Host header
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  base::Millis timeout{5'000};      // whole request; 0: none (event streams)
  std::size_t max_body = 1u << 20;  // a larger response is an error
};

struct HttpResponse {
  int status = 0;
  std::string body;  // empty when `on_data` took it
  std::vector<std::pair<std::string, std::string>>
      headers;  // in order, values trimmed; the first 16 KiB of them

  std::optional<std::string_view> header(std::string_view name) const;  // the first of that name, in any case
};

// One request under way; destroying it cancels: `done` is not called afterwards.
class HttpCall {
 public:
  virtual ~HttpCall() = default;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  using Done = std::function<void(base::Result<HttpResponse>)>;
  using OnData = std::function<void(std::string_view)>;
  // `done` is called once, later, on the loop; it may destroy the call. With `on_data` the body of a 2xx
  // response is streamed to it instead of being kept. Redirects are not followed, proxies from the
  // environment are not used.
  virtual std::unique_ptr<HttpCall> start(HttpRequest request, Done done, OnData on_data = nullptr) = 0;
};

// --- two-phase reload
// -------------------------------------------------------------------------------------------- What prepare()
// acquired. Destroying it without commit() gives everything back: nothing has changed.
class Ticket {
 public:
  virtual ~Ticket() = default;
  virtual void commit() noexcept = 0;  // cannot fail; called at most once, after every part has prepared
};

class Reloadable {
 public:
  virtual ~Reloadable() = default;
  virtual std::string_view part() const = 0;  // "tunnels", "api", … for messages
  // Acquires all that can fail (ports, files) and changes nothing.
  virtual base::Result<std::unique_ptr<Ticket>> prepare(const ConfigPtr& next) = 0;
};

// A preparation under way; destroying it gives it up: `done` is not called afterwards.
class Preparing {
 public:
  virtual ~Preparing() = default;
};

// A part whose preparation takes time (a canary that runs tests). It goes before the others.
class SlowReloadable {
 public:
  virtual ~SlowReloadable() = default;
  virtual std::string_view part() const = 0;
  using Done = std::function<void(base::Result<std::unique_ptr<Ticket>>)>;
  // `done` is called once, later; it may destroy the Preparing.
  virtual std::unique_ptr<Preparing> prepare(const ConfigPtr& next, Done done) = 0;
};

// --- what the API asks of the daemon
// ----------------------------------------------------------------------------- Who asks, as the socket's
// peer credentials and `api.roles` tell it.
struct Caller {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string name;  // "uid:1000(anna)": for the audit
  Role role = Role::none;
  ActorClass caller_class = ActorClass::human;
};

struct DaemonStatus {
  std::string version;
  std::string config_file;
  std::uint64_t config_generation = 0;
  base::WallTime config_loaded_at;
  std::string last_reload_error;  // empty: the last reload was applied
  base::WallTime started_at;
  base::Level log_level = base::Level::info;
  std::uint64_t audit_seq = 0;
  std::string audit_head;   // hash of the last line on disk
  std::string audit_error;  // empty, or why audit lines do not reach the disk
  std::uint64_t loop_turns = 0;
  int pid = 0;
};

struct ReloadReport {
  std::uint64_t generation = 0;
  std::vector<std::string> added, removed, changed, unchanged;  // tunnel names
};

class ControlPort {
 public:
  virtual ~ControlPort() = default;
  virtual DaemonStatus daemon_status() const = 0;
  virtual std::vector<TunnelStatus> tunnels() const = 0;  // in name order
  virtual base::Result<TunnelStatus> tunnel(std::string_view name) const = 0;
  // Code::already when it is in that state already; Code::not_found for an unknown name.
  virtual base::Result<> up(std::string_view name, const Caller& caller) = 0;
  virtual base::Result<> down(std::string_view name, const Caller& caller) = 0;
  virtual base::Result<> restart(std::string_view name, const Caller& caller) = 0;  // down, then up
  virtual base::Result<> reconnect(std::string_view name,
                                   const Caller& caller) = 0;  // drop the session, try now
  // Reads, prepares and commits; calls back with the outcome of this reload (Code::cancelled: superseded by a
  // later one).
  virtual void reload(const Caller& caller, std::function<void(base::Result<ReloadReport>)> done) = 0;
  virtual void set_log_level(base::Level level, const Caller& caller) = 0;
  virtual PolicyStatus policy_status() const = 0;
  virtual NotifyStatus notify_status() const = 0;
  // Sends one test message, once and past every limit; calls back with how it went. Code::not_found for an
  // unknown sender; any other error is the delivery's.
  virtual void test_sender(std::string_view name, const Caller& caller,
                           std::function<void(base::Result<>)> done) = 0;
};

}  // namespace fairlead::core
