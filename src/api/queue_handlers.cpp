// Workers, the queue as a whole, its pauses, and the metrics.
#include <memory>
#include <string>
#include <utility>

#include "api/call.hpp"
#include "api/json_parts.hpp"
#include "api/queue_render.hpp"
#include "base/text.hpp"

namespace fairlead::api {

namespace {

using base::Code;
using base::Error;
using base::Json;
using base::JsonView;
using Scope = core::Pause::Scope;

// The members of an object that is the body; an unknown one is a mistake that must not be passed over.
base::Result<Json> read_object(const std::string& text, std::string_view members) {
  auto body = json_body(text.empty() ? std::string_view("{}") : text);
  if (!body) return body.error();
  const auto known = base::split(members, ' ');
  if (!body->view().is_object()) return Error{Code::bad_request, "the body is a JSON object", {}};
  for (const auto member : body->view().items()) {
    bool found = false;
    for (const auto name : known) found = found || name == member.key();
    if (found) continue;
    const auto near = base::nearest(member.key(), known);
    std::string message = "the body has an unknown member \"" + base::printable(member.key(), 64) + "\"";
    if (!near.empty()) message.append("; did you mean \"").append(near).append("\"?");
    return Error{Code::bad_request, std::move(message), {}};
  }
  return body;
}

}  // namespace

// --- workers

void get_workers(const Call& call) {
  call.tasks.workers(
      [responder = call.responder](const base::Result<std::vector<core::WorkerRecord>>& workers) {
        if (!workers) return responder->answer(core::problem(workers.error()));
        Json list = Json::array();
        for (const auto& worker : *workers) list.push(render(worker));
        Json body = Json::object();
        responder->answer(json_response(200, body.set("workers", std::move(list))));
      });
}

void post_drain(const Call& call) {
  const auto body = read_object(call.request.body, "drain");
  if (!body) return call.refuse(body.error());
  const auto drain = (*body)["drain"];
  if (drain.exists() && !drain.is_bool())
    return call.refuse({Code::bad_request, "the body is {\"drain\": true} or {\"drain\": false}", {}});
  const bool draining = drain.boolean(true);
  const auto answer = [responder = call.responder, name = std::string(call.name),
                       draining](const base::Result<>& done) {
    if (!done) return responder->answer(core::problem(done.error()));
    Json out = Json::object();
    responder->answer(json_response(200, out.set("worker", name).set("draining", draining)));
  };
  call.tasks.drain(std::string(call.name), draining, call.request.caller, answer);
}

// --- the queue

namespace {

// GET /v1/queue asks the store twice. A store that is away is what the answer tells, not a failure of it.
void answer_queue(const std::shared_ptr<core::Responder>& responder, const core::TaskPort& tasks,
                  const base::Result<core::QueueStats>& stats, Json pauses) {
  Json body = render(tasks.queue_status());
  body.set("stats", stats ? render(*stats) : Json()).set("pauses", std::move(pauses));
  body.set("error", stats ? Json() : Json(base::printable(stats.error().text(), 4096)));
  responder->answer(json_response(200, body));
}

base::Result<std::pair<Scope, std::string>> scope_of(JsonView body) {
  const auto word = body["scope"].text("all");
  const auto name = body["name"].text();
  if (word == "all") {
    if (!name.empty())
      return Error{Code::bad_request, "`name` is of a kind or a site: `scope` says which", {}};
    return std::pair{Scope::everything, std::string()};
  }
  if (word != "kind" && word != "site")
    return Error{Code::bad_request, R"(`scope` is "all", "kind" or "site")", {}};
  if (name.empty()) return Error{Code::bad_request, "`name` is missing: of which " + std::string(word), {}};
  return std::pair{word == "kind" ? Scope::kind : Scope::site, std::string(name)};
}

base::Result<std::optional<base::WallTime>> end_of(JsonView body) {
  const auto duration = body["for"], until = body["until"];
  if (!duration.exists() && !until.exists()) return std::optional<base::WallTime>();
  if (duration.exists() && until.exists())
    return Error{Code::bad_request, "`for` and `until` say the same: give one of them", {}};
  const auto now = base::wall_now();
  std::optional<base::WallTime> end;
  if (duration.exists()) {
    const auto time = base::parse_duration(duration.text());
    if (!time) return Error{Code::bad_request, R"(`for` is a time such as "30m" or "2h")", {}};
    end = now + *time;
  } else {
    end = base::parse_iso8601(until.text());
    if (!end) return Error{Code::bad_request, R"(`until` is a time such as "2026-03-01T12:00:00Z")", {}};
  }
  if (*end > now) return end;
  return Error{Code::bad_request, "the pause would be over already", {}};
}

}  // namespace

void get_queue(const Call& call) {
  call.tasks.stats(
      [responder = call.responder, &tasks = call.tasks](const base::Result<core::QueueStats>& stats) {
        if (!stats) return answer_queue(responder, tasks, stats, {});
        tasks.pauses([responder, &tasks, stats](const base::Result<std::vector<core::Pause>>& pauses) {
          if (!pauses) return answer_queue(responder, tasks, pauses.error(), {});
          Json list = Json::array();
          for (const auto& pause : *pauses) list.push(render(pause));
          answer_queue(responder, tasks, stats, std::move(list));
        });
      });
}

void post_pause(const Call& call) {
  const auto body = read_object(call.request.body, "scope name for until why");
  if (!body) return call.refuse(body.error());
  auto scope = scope_of(body->view());
  if (!scope) return call.refuse(scope.error());
  const auto until = end_of(body->view());
  if (!until) return call.refuse(until.error());
  core::Pause pause;
  pause.scope = scope->first;
  pause.name = std::move(scope->second);
  pause.until = *until;
  pause.actor = call.request.caller.name;
  pause.why = base::printable((*body)["why"].text(), 400);
  pause.since = base::wall_now();
  call.tasks.pause(
      pause, call.request.caller, [responder = call.responder, pause](const base::Result<>& done) {
        responder->answer(done ? json_response(200, render(pause)) : core::problem(done.error()));
      });
}

void post_resume(const Call& call) {
  const auto body = read_object(call.request.body, "scope name");
  if (!body) return call.refuse(body.error());
  const auto scope = scope_of(body->view());
  if (!scope) return call.refuse(scope.error());
  const auto answer = [responder = call.responder, scope = *scope](const base::Result<>& done) {
    if (!done) return responder->answer(core::problem(done.error()));
    Json out = Json::object();
    out.set("scope", core::to_string(scope.first))
        .set("name", scope.second.empty() ? Json() : Json(scope.second));
    responder->answer(json_response(200, out.set("resumed", true)));
  };
  call.tasks.resume(scope->first, scope->second, call.request.caller, answer);
}

void get_metrics(const Call& call) {
  call.responder->answer({200, "text/plain; version=0.0.4; charset=utf-8", call.tasks.metrics(), {}});
}

}  // namespace fairlead::api
