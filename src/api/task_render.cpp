#include "api/task_render.hpp"

#include <utility>

#include "api/json_parts.hpp"
#include "core/task_envelope.hpp"
#include "core/task_result.hpp"

namespace fairlead::api {

using base::Json;

namespace {

Json state_or_null(const std::optional<core::TaskState>& state) {
  return state ? Json(core::to_string(*state)) : Json();
}

Json id_or_null(core::TaskId id) {
  return id == core::TaskId{0} ? Json() : Json(core::number(id));
}

// What the store holds as JSON text; null when it holds nothing.
Json stored_json(const std::string& text) {
  auto json = Json::parse(text.empty() ? "null" : text);
  return json ? std::move(*json) : Json(text);
}

Json timeline_entry(const core::TimelineEntry& entry) {
  Json out = Json::object();
  out.set("time", base::iso8601(entry.time)).set("event", core::to_string(entry.event));
  out.set("from", state_or_null(entry.from)).set("to", core::to_string(entry.to));
  out.set("actor", text_or_null(entry.actor)).set("worker", text_or_null(entry.worker));
  out.set("epoch", core::number(entry.epoch)).set("detail", text_or_null(entry.detail));
  return out;
}

Json timeline_note(const core::TimelineNote& note) {
  Json out = Json::object();
  out.set("time", base::iso8601(note.time)).set("note", core::to_string(note.kind));
  out.set("actor", text_or_null(note.actor)).set("worker", text_or_null(note.worker));
  out.set("epoch", core::number(note.epoch));
  out.set("result", note.kind == core::NoteKind::late_report ? stored_json(note.detail) : Json());
  return out;
}

void push_output(Json& parts, const char* stream, const core::TaskOutput& output) {
  const auto push = [&](const char* key, Json value) {
    Json part = Json::object();
    part.set("stream", stream).set(key, std::move(value));
    parts.push(std::move(part));
  };
  if (!output.head.empty()) push("text", output.head);
  const std::uint64_t kept = output.head.size() + output.tail.size();
  if (output.truncated) push("missing_bytes", output.total > kept ? output.total - kept : 0);
  if (!output.tail.empty()) push("text", output.tail);
}

}  // namespace

Json render(const core::TaskRecord& task) {
  const auto& envelope = task.envelope;
  const bool waits = task.state == core::TaskState::queued && task.waits_for != core::WaitsFor::nothing;
  Json locks = names(envelope.locks), actor = Json::object();
  actor.set("name", envelope.actor).set("class", core::to_string(envelope.actor_class));
  Json out = Json::object();
  out.set("id", core::number(task.id)).set("kind", envelope.kind).set("state", core::to_string(task.state));
  out.set("waits_for", waits ? Json(core::to_string(task.waits_for)) : Json());
  out.set("waits_detail", waits ? text_or_null(task.waits_detail) : Json());
  out.set("worker", text_or_null(task.worker)).set("epoch", core::number(task.epoch));
  out.set("attempt", task.attempt).set("max_attempts", envelope.max_attempts);
  out.set("lost_workers", task.lost_workers).set("cancel_requested", task.cancel_requested);
  out.set("capability", envelope.capability).set("target", text_or_null(envelope.target));
  out.set("route", task.route).set("priority", envelope.priority).set("locks", std::move(locks));
  out.set("actor", std::move(actor)).set("idempotency_key", text_or_null(envelope.idempotency_key));
  out.set("trace_id", text_or_null(envelope.trace_id)).set("retry_of", id_or_null(task.retry_of));
  out.set("submitted_at", base::iso8601(task.submitted_at)).set("run_at", time_or_null(task.run_at));
  out.set("claimed_at", time_or_null(task.claimed_at)).set("started_at", time_or_null(task.started_at));
  out.set("finished_at", time_or_null(task.finished_at)).set("error_code", text_or_null(task.error_code));
  return out;
}

Json render(const core::TaskDetail& detail) {
  Json timeline = Json::array(), notes = Json::array();
  for (const auto& entry : detail.timeline) timeline.push(timeline_entry(entry));
  for (const auto& note : detail.notes) notes.push(timeline_note(note));
  Json out = render(detail.task);
  out.set("envelope", core::envelope_json(detail.task.envelope));
  out.set("result", stored_json(detail.task.result));
  out.set("timeline", std::move(timeline)).set("notes", std::move(notes));
  return out;
}

Json render(const core::Submitted& submitted) {
  const bool waits = submitted.waits_for != core::WaitsFor::nothing;
  Json out = Json::object();
  out.set("id", core::number(submitted.id)).set("existed", submitted.existed);
  out.set("state", core::to_string(submitted.state));
  out.set("waits_for", waits ? Json(core::to_string(submitted.waits_for)) : Json());
  return out;
}

Json kept_output(const core::TaskRecord& task) {
  Json parts = Json::array();
  const Json stored = stored_json(task.result);
  if (const auto result = core::parse_result(stored.view())) {
    push_output(parts, "stdout", result->out);
    push_output(parts, "stderr", result->err);
  }
  return parts;
}

Json last_change(const core::TaskDetail& detail) {
  if (detail.timeline.empty()) return {};
  const auto& entry = detail.timeline.back();
  Json task = Json::object(), out = Json::object();
  task.set("id", core::number(detail.task.id)).set("kind", detail.task.envelope.kind);
  out.set("task", std::move(task)).set("from", state_or_null(entry.from));
  out.set("to", core::to_string(entry.to)).set("event", core::to_string(entry.event));
  out.set("worker", entry.worker).set("detail", entry.detail);
  return out;
}

}  // namespace fairlead::api
