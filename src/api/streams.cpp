// Log lines and events: the handlers that read the rings.
#include <string>

#include "api/call.hpp"
#include "base/text.hpp"

namespace fairlead::api {

namespace {

using base::Code;
using base::Error;
using base::Result;

constexpr std::uint64_t kDefaultLines = 50;
constexpr std::string_view kTaskOutput = "task_output";  // of one task at a time: it could drown the rest

// The tunnel to filter by, empty for all. One that was removed may still have lines; one that nobody has
// heard of is a mistake that an empty answer would hide.
Result<std::string> tunnel_of(const Call& call, const core::EventRing& ring) {
  const auto name = call.request.parameter("tunnel");
  if (!name) return std::string();
  if (!name->empty() && !ring.tail(1, *name).empty()) return std::string(*name);
  if (auto known = call.control.tunnel(*name); !known) return known.error();
  return std::string(*name);
}

void open_stream(const Call& call, core::EventRing& ring) {
  const auto tunnel = tunnel_of(call, ring);
  if (!tunnel) return call.refuse(tunnel.error());
  const auto cursor = cursor_given(call.request);
  if (!cursor) return call.refuse(cursor.error());
  call.responder->stream(
      {&ring, cursor->value_or(ring.last_id()), {.tunnel = *tunnel, .without = kTaskOutput}});
}

}  // namespace

Result<std::optional<std::uint64_t>> cursor_given(const core::ServerRequest& request) {
  auto text = request.header("Last-Event-ID");
  if (!text) text = request.parameter("last_event_id");
  if (!text) return std::optional<std::uint64_t>();
  const auto id = base::parse_unsigned(*text);
  if (!id) return Error{Code::bad_request, "the last event id is a decimal number", {}};
  return id;
}

void get_logs(const Call& call) {
  const auto tunnel = tunnel_of(call, call.logs);
  if (!tunnel) return call.refuse(tunnel.error());
  const auto wanted = call.request.parameter("lines");
  const auto lines = wanted ? base::parse_unsigned(*wanted) : kDefaultLines;
  if (!lines || *lines > core::kMostKept)
    return call.refuse(
        {Code::bad_request, "`lines` is a number from 0 to " + std::to_string(core::kMostKept), {}});

  // The lines are JSON already.
  std::string body = "{\"last_event_id\":" + std::to_string(call.logs.last_id()) + ",\"lines\":[";
  bool first = true;
  for (const core::Event* line : call.logs.tail(static_cast<std::size_t>(*lines), *tunnel)) {
    if (!first) body += ',';
    first = false;
    body += line->body;
  }
  body += "]}";
  call.responder->answer({200, "application/json", std::move(body), {}});
}

void get_log_stream(const Call& call) {
  open_stream(call, call.logs);
}

void get_events(const Call& call) {
  open_stream(call, call.events);
}

void get_queue_events(const Call& call) {
  const auto cursor = cursor_given(call.request);
  if (!cursor) return call.refuse(cursor.error());
  call.responder->stream(
      {&call.task_events, cursor->value_or(call.task_events.last_id()), {.without = kTaskOutput}});
}

}  // namespace fairlead::api
