// Where http/ (the server: sockets, limits, deadlines) and api/ (the routes: what is offered) meet.
//
// The server hands each complete request to one HttpService, with a Responder that is answered once, now or
// later. A client that has gone away makes the Responder's calls harmless; a Responder that is dropped
// without an answer answers 500, so no request hangs. Loop thread only.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "core/event_ring.hpp"
#include "core/ports.hpp"

namespace fairlead::core {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

struct ServerRequest {
  std::string method;  // "GET"; case matters (RFC 9110 section 9.1)
  std::string path;    // percent-decoded, without the query
  NamedValues query;   // decoded, in order; may repeat
  NamedValues headers;
  std::string body;
  Caller caller;

  // The first header of that name in any case; the first query parameter of exactly that name.
  std::optional<std::string_view> header(std::string_view name) const;
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  NamedValues headers;
};

// Server-sent events from a ring: what came after `cursor`, then whatever comes, until the client leaves.
// When the ring does not cover the cursor (at the start, or because the client reads too slowly), an event
// "resync" with the current id stands for what was missed.
struct EventStream {
  EventRing* ring = nullptr;  // outlives the server
  std::uint64_t cursor = 0;
  EventFilter filter = {};
  std::optional<Event> first = {};  // sent before those of the ring
  // The stream ends by itself after such an event, and after a "resync", which may stand for it. Null: never.
  bool (*is_last)(const Event&) = nullptr;
};

class Responder {
 public:
  virtual ~Responder() = default;
  // One of these, once; later calls are ignored.
  virtual void answer(ServerResponse response) = 0;
  virtual void stream(EventStream stream) = 0;
};

class HttpService {
 public:
  virtual ~HttpService() = default;
  // May answer before it returns.
  virtual void handle(const ServerRequest& request, std::shared_ptr<Responder> responder) = 0;
};

// --- problem details (RFC 9457)
std::string_view status_title(int status);  // "Not Found"
int status_of(base::Code code);
// {"type":"about:blank","title":…,"status":…,"detail":…,"code":…}, to which a route may add members.
base::Json problem_body(int status, base::Code code, std::string_view detail);
ServerResponse problem_response(int status, const base::Json& body);
ServerResponse problem(const base::Error& error);  // status_of(error.code), error.text()

}  // namespace fairlead::core
