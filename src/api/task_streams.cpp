// What a task writes, and what happens to it: the output as far as it is kept, and the stream of one task.
#include <string>
#include <utility>

#include "api/call.hpp"
#include "api/task_render.hpp"

namespace fairlead::api {

namespace {

using base::Json;

// Looks into the body, as the ring knows types and ids only; only for the few events "task_state".
bool ends_the_task(const core::Event& event) {
  if (event.type != "task_state") return false;
  const auto body = Json::parse(event.body);
  const auto state = body ? core::parse_task_state((*body)["to"].text()) : std::nullopt;
  return state && core::is_final(*state);
}

Json live_output(const std::vector<core::OutputPart>& output) {
  Json parts = Json::array();
  for (const auto& piece : output) {
    Json part = Json::object();
    part.set("stream", piece.is_error ? "stderr" : "stdout").set("text", piece.text);
    parts.push(std::move(part));
  }
  return parts;
}

// At work: what has come so far, where it is this daemon that runs it. Else what the last attempt left.
Json logs_of(const core::TaskRecord& task, const std::vector<core::OutputPart>& output,
             const core::EventRing& events) {
  const bool live = core::is_owned(task.state);
  Json body = Json::object();
  body.set("task", core::number(task.id)).set("state", core::to_string(task.state)).set("live", live);
  body.set("last_event_id", events.last_id());
  body.set("parts", live ? live_output(output) : kept_output(task));
  return body;
}

bool ring_has_the_end(const core::EventRing& ring, std::uint64_t cursor, const core::EventFilter& filter) {
  if (!ring.covers(cursor)) return false;
  while (const core::Event* event = ring.next(cursor, filter))
    if (ends_the_task(*event)) return true;
  return false;
}

// A task that is over already: what the client has not seen yet, when the ring still has it; else its last
// change.
core::EventStream stream_of(const core::TaskDetail& detail, core::EventRing& ring, std::uint64_t cursor,
                            bool cursor_is_given) {
  core::EventStream stream{&ring, cursor, {.task = detail.task.id}, std::nullopt, ends_the_task};
  if (!core::is_final(detail.task.state)) return stream;
  if (cursor_is_given && ring_has_the_end(ring, cursor, stream.filter)) return stream;
  const Json change = last_change(detail);
  stream.first = core::Event{ring.last_id(), "task_state", {}, change.dump(), detail.task.id};
  stream.cursor = ring.last_id();
  return stream;
}

}  // namespace

void get_task_logs(const Call& call) {
  const auto id = task_named(call.name);
  if (!id) return call.refuse(id.error());
  call.tasks.find(*id, [responder = call.responder, &tasks = call.tasks,
                        &events = call.task_events](const base::Result<core::TaskDetail>& detail) {
    if (!detail) return responder->answer(core::problem(detail.error()));
    responder->answer(json_response(200, logs_of(detail->task, tasks.output(detail->task.id), events)));
  });
}

void get_task_events(const Call& call) {
  const auto id = task_named(call.name);
  if (!id) return call.refuse(id.error());
  const auto given = cursor_given(call.request);
  if (!given) return call.refuse(given.error());
  // From before the task is looked up: what happens to it meanwhile must not be missed.
  const std::uint64_t cursor = given->value_or(call.task_events.last_id());
  call.tasks.find(*id, [responder = call.responder, &events = call.task_events, cursor,
                        is_given = given->has_value()](const base::Result<core::TaskDetail>& detail) {
    if (!detail) return responder->answer(core::problem(detail.error()));
    responder->stream(stream_of(*detail, events, cursor, is_given));
  });
}

}  // namespace fairlead::api
