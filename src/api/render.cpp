#include "api/render.hpp"

#include <utility>

#include "api/json_parts.hpp"
#include "api/queue_render.hpp"

namespace fairlead::api {

namespace {

using base::Json;

Json forward(const core::ForwardStatus& status) {
  Json out = Json::object();
  out.set("kind", core::to_string(status.forward.kind));
  out.set("listen", core::to_string(status.forward.listen));
  out.set("target", core::to_string(status.forward.target));
  out.set("listening", status.listening).set("proof", core::to_string(status.proof));
  out.set("connections", status.connections).set("active", status.active);
  out.set("bytes_to_target", status.bytes_to_target).set("bytes_from_target", status.bytes_from_target);
  out.set("refused", status.refused).set("last_activity", time_or_null(status.last_activity));
  return out;
}

Json health(const core::TunnelStatus& tunnel) {
  if (!tunnel.has_health_check) return {};
  Json last;
  if (tunnel.health) {
    last = Json::object();
    last.set("time", base::iso8601(tunnel.health->time)).set("good", tunnel.health->good);
    last.set("http_status", tunnel.health->http_status).set("error", text_or_null(tunnel.health->error));
    last.set("latency_ms", tunnel.health->latency.count());
  }
  Json out = Json::object();
  Json held;
  if (tunnel.health_hold) {
    held = Json::object();
    held.set("hook", tunnel.health_hold->hook).set("why", tunnel.health_hold->why);
    held.set("seconds_left", seconds_to_wait(tunnel.health_hold->left));
  }
  out.set("configured", true).set("good", tunnel.health_good).set("last", std::move(last));
  out.set("held", std::move(held));
  return out;
}

Json sender(const core::SenderStatus& status) {
  Json out = Json::object();
  out.set("name", status.name).set("type", core::to_string(status.type));
  out.set("queued", status.queued).set("delivered", status.delivered).set("retried", status.retried);
  out.set("held_back", status.held_back).set("dead", status.dead);
  out.set("next_attempt_in_seconds",
          status.next_attempt_in ? Json(seconds_to_wait(*status.next_attempt_in)) : Json());
  out.set("last_delivered", time_or_null(status.last_delivered));
  out.set("last_error", text_or_null(status.last_error));
  return out;
}

Json dead_letter(const core::DeadLetter& letter) {
  Json out = Json::object();
  out.set("time", base::iso8601(letter.at)).set("sender", letter.sender).set("event", letter.event);
  out.set("subject", letter.subject).set("title", letter.title);
  out.set("attempts", letter.attempts).set("reason", letter.reason);
  return out;
}

Json hook(const core::HookStatus& status) {
  Json out = Json::object();
  out.set("event", core::to_string(status.event)).set("name", status.name);
  out.set("file", status.file).set("line", status.line).set("standard", status.standard);
  const bool scheduled = status.every > base::Millis(0);
  out.set("every_seconds", scheduled ? Json(static_cast<double>(status.every.count()) / 1000.0) : Json());
  out.set("strikes", status.strikes).set("quarantined", status.quarantined);
  out.set("failures", status.failures);
  return out;
}

Json count(const core::EventCount& status) {
  Json out = Json::object();
  out.set("event", core::to_string(status.event)).set("asked", status.asked).set("given", status.given);
  out.set("troubled", status.troubled).set("refused", status.refused);
  return out;
}

Json journal(const core::JournalStatus& status) {
  Json out = Json::object();
  out.set("stored", status.stored).set("left_out", status.left_out).set("dropped", status.dropped);
  out.set("queued", status.queued).set("bytes", status.bytes);
  out.set("error", text_or_null(status.error)).set("set_aside", text_or_null(status.set_aside));
  return out;
}

void set_reason(Json& out, const core::TunnelStatus& tunnel) {
  const bool known = tunnel.reason != core::Reason::none;
  const auto& reason = core::describe(tunnel.reason);
  out.set("reason", known ? Json(reason.id) : Json());
  out.set("reason_text", known ? text_or_null(reason.text) : Json());
  out.set("detail", text_or_null(tunnel.detail)).set("hint", text_or_null(tunnel.hint));
}

}  // namespace

Json render(const core::TunnelStatus& tunnel) {
  Json out = Json::object();
  out.set("name", tunnel.name).set("state", core::to_string(tunnel.state));
  out.set("proof", core::to_string(tunnel.proof));
  set_reason(out, tunnel);
  Json actor = Json::object();
  actor.set("name", tunnel.actor.name).set("class", core::to_string(tunnel.actor.actor_class));
  out.set("actor", std::move(actor));
  out.set("host", tunnel.host.host).set("port", tunnel.host.port).set("ssh_user", tunnel.ssh_user);
  out.set("since", base::iso8601(tunnel.since));
  out.set("uptime_seconds", tunnel.uptime ? Json(whole_seconds(*tunnel.uptime)) : Json());
  out.set("attempts", tunnel.attempts);
  out.set("next_attempt_in_seconds",
          tunnel.next_attempt_in ? Json(seconds_to_wait(*tunnel.next_attempt_in)) : Json());
  out.set("reconnects", tunnel.reconnects);
  out.set("probe_round_trip_ms", tunnel.probe_round_trip ? Json(tunnel.probe_round_trip->count()) : Json());
  out.set("host_key_fingerprint", text_or_null(tunnel.host_key_fingerprint));
  out.set("algorithms", text_or_null(tunnel.algorithms));
  out.set("health", health(tunnel));
  Json forwards = Json::array();
  for (const auto& status : tunnel.forwards) forwards.push(forward(status));
  out.set("forwards", std::move(forwards));
  return out;
}

Json render(const core::DaemonStatus& daemon) {
  Json out = Json::object();
  out.set("version", daemon.version).set("pid", daemon.pid);
  out.set("started_at", base::iso8601(daemon.started_at));
  out.set("config_file", daemon.config_file).set("config_generation", daemon.config_generation);
  out.set("config_loaded_at", base::iso8601(daemon.config_loaded_at));
  out.set("last_reload_error", text_or_null(daemon.last_reload_error));
  out.set("log_level", base::to_string(daemon.log_level));
  out.set("audit_seq", daemon.audit_seq).set("audit_head", daemon.audit_head);
  out.set("audit_error", text_or_null(daemon.audit_error)).set("loop_turns", daemon.loop_turns);
  return out;
}

Json render(const core::ReloadReport& report) {
  Json out = Json::object();
  out.set("generation", report.generation);
  out.set("added", names(report.added)).set("removed", names(report.removed));
  out.set("changed", names(report.changed)).set("unchanged", names(report.unchanged));
  return out;
}

Json render(const core::NotifyStatus& status) {
  Json senders = Json::array();
  for (const auto& one : status.senders) senders.push(sender(one));
  Json letters = Json::array();
  for (const auto& letter : status.dead_letters) letters.push(dead_letter(letter));
  Json out = Json::object();
  out.set("senders", std::move(senders)).set("dead_letters", std::move(letters));
  return out;
}

Json render(const core::PolicyStatus& status) {
  const bool loaded = status.generation > 0;
  Json hooks = Json::array(), counts = Json::array();
  for (const auto& one : status.hooks) hooks.push(hook(one));
  for (const auto& one : status.counts) counts.push(count(one));
  Json sandbox = Json::object();
  sandbox.set("level", names(status.sandbox)).set("missing", names(status.sandbox_missing));
  Json out = Json::object();
  out.set("generation", status.generation).set("folder", text_or_null(status.folder));
  out.set("loaded_at", loaded ? Json(base::iso8601(status.loaded_at)) : Json());
  out.set("last_error", text_or_null(status.last_error));
  out.set("hooks", std::move(hooks)).set("off", names(status.switched_off));
  out.set("sandbox", std::move(sandbox));
  out.set("pid", status.pid > 0 ? Json(status.pid) : Json());
  out.set("restarts", status.restarts).set("flows", status.flows);
  out.set("counts", std::move(counts)).set("journal", journal(status.journal));
  return out;
}

Json render_status(const core::DaemonStatus& daemon, const std::vector<core::TunnelStatus>& tunnels,
                   const core::NotifyStatus& notify, const core::PolicyStatus& policy,
                   const core::QueueStatus& queue, std::uint64_t last_event_id) {
  Json list = Json::array();
  for (const auto& tunnel : tunnels) list.push(render(tunnel));
  Json out = Json::object();
  out.set("schema", "fairlead.status/1").set("daemon", render(daemon));
  out.set("last_event_id", last_event_id).set("tunnels", std::move(list)).set("notify", render(notify));
  out.set("policy", render(policy));
  if (!queue.store.backend.empty()) out.set("queue", render(queue));
  return out;
}

}  // namespace fairlead::api
