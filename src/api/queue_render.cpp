#include "api/queue_render.hpp"

#include <utility>

#include "api/json_parts.hpp"

namespace fairlead::api {

using base::Json;

Json render(const core::StoreStatus& store) {
  Json out = Json::object();
  out.set("state", core::to_string(store.state)).set("backend", store.backend).set("place", store.place);
  out.set("schema", store.schema > 0 ? Json(store.schema) : Json());
  out.set("hints", text_or_null(store.hints)).set("error", text_or_null(store.error));
  out.set("since", time_or_null(store.since));
  return out;
}

Json render(const core::QueueStatus& queue) {
  Json worker;
  if (!queue.worker.empty()) {
    worker = Json::object();
    worker.set("name", queue.worker).set("live", queue.worker_live).set("draining", queue.draining);
    worker.set("running", queue.running).set("concurrency", queue.concurrency);
  }
  Json out = Json::object();
  out.set("store", render(queue.store)).set("worker", std::move(worker));
  return out;
}

Json render(const core::QueueStats& stats) {
  Json rows = Json::array();
  for (const auto& row : stats.rows) {
    Json out = Json::object();
    const bool waits = row.waits_for != core::WaitsFor::nothing;
    out.set("kind", row.kind).set("state", core::to_string(row.state));
    out.set("waits_for", waits ? Json(core::to_string(row.waits_for)) : Json());
    out.set("count", row.count).set("oldest_seconds", whole_seconds(row.oldest));
    rows.push(std::move(out));
  }
  Json out = Json::object();
  out.set("rows", std::move(rows)).set("history", stats.history);
  out.set("oldest_snapshot_seconds", whole_seconds(stats.oldest_snapshot));
  return out;
}

Json render(const core::Pause& pause) {
  Json out = Json::object();
  out.set("scope", core::to_string(pause.scope)).set("name", text_or_null(pause.name));
  out.set("until", time_or_null(pause.until)).set("why", text_or_null(pause.why));
  out.set("actor", text_or_null(pause.actor)).set("since", base::iso8601(pause.since));
  return out;
}

Json render(const core::WorkerRecord& worker) {
  Json out = Json::object();
  out.set("name", worker.info.name).set("state", core::to_string(worker.state));
  out.set("draining", worker.draining).set("site", text_or_null(worker.info.site));
  out.set("node", text_or_null(worker.info.node)).set("capabilities", names(worker.info.capabilities));
  out.set("version", worker.info.version).set("concurrency", worker.info.concurrency);
  Json limits = Json::object();
  for (const auto& [capability, most] : worker.info.limits) limits.set(capability, most);
  out.set("limits", std::move(limits));
  out.set("owned", worker.owned).set("beat_age_seconds", whole_seconds(worker.beat_age));
  out.set("registered_at", base::iso8601(worker.registered_at)).set("incarnation", worker.incarnation);
  return out;
}

}  // namespace fairlead::api
