#include "api/routes.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/call.hpp"
#include "base/text.hpp"

namespace fairlead::api {

namespace {

using core::Role;

struct Route {
  std::string_view method;
  std::string_view path;        // "{name}" stands for one segment
  Role role;                    // the least that may
  std::string_view parameters;  // of the query, separated by blanks; any other is refused
  void (*handler)(const Call&);
};

// The whole offer. A GET changes nothing, so that a viewer may do every GET and nothing else.
constexpr Route kRoutes[] = {
    {"GET", "/v1/version", Role::viewer, "", get_version},
    {"GET", "/v1/status", Role::viewer, "", get_status},
    {"GET", "/v1/policy", Role::viewer, "", get_policy},
    {"GET", "/v1/tunnels/{name}", Role::viewer, "", get_tunnel},
    {"POST", "/v1/tunnels/{name}/up", Role::operator_, "", post_up},
    {"POST", "/v1/tunnels/{name}/down", Role::operator_, "", post_down},
    {"POST", "/v1/tunnels/{name}/restart", Role::operator_, "", post_restart},
    {"POST", "/v1/tunnels/{name}/reconnect", Role::operator_, "", post_reconnect},
    {"POST", "/v1/reload", Role::operator_, "", post_reload},
    {"POST", "/v1/notify/{name}/test", Role::operator_, "", post_notify_test},
    {"GET", "/v1/log-level", Role::viewer, "", get_log_level},
    {"PUT", "/v1/log-level", Role::operator_, "", put_log_level},
    {"GET", "/v1/logs", Role::viewer, "tunnel lines", get_logs},
    {"GET", "/v1/logs/stream", Role::viewer, "tunnel last_event_id", get_log_stream},
    {"GET", "/v1/events", Role::viewer, "tunnel last_event_id", get_events},
    {"POST", "/v1/tasks", Role::operator_, "", post_tasks},
    {"GET", "/v1/tasks", Role::viewer, "state kind worker waits_for before limit", get_tasks},
    {"GET", "/v1/tasks/{name}", Role::viewer, "", get_task},
    {"POST", "/v1/tasks/{name}/cancel", Role::operator_, "", post_cancel},
    {"POST", "/v1/tasks/{name}/retry", Role::operator_, "", post_retry},
    {"POST", "/v1/tasks/{name}/requeue", Role::operator_, "", post_requeue},
    {"GET", "/v1/tasks/{name}/logs", Role::viewer, "", get_task_logs},
    {"GET", "/v1/tasks/{name}/events", Role::viewer, "last_event_id", get_task_events},
    {"GET", "/v1/workers", Role::viewer, "", get_workers},
    {"POST", "/v1/workers/{name}/drain", Role::operator_, "", post_drain},
    {"GET", "/v1/queue", Role::viewer, "", get_queue},
    {"GET", "/v1/queue/events", Role::viewer, "last_event_id", get_queue_events},
    {"POST", "/v1/queue/pause", Role::operator_, "", post_pause},
    {"POST", "/v1/queue/resume", Role::operator_, "", post_resume},
    {"GET", "/metrics", Role::viewer, "", get_metrics},
};

// What stands for {name}, empty where the pattern has none; nothing when the path is another.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const auto wanted = base::split(pattern, '/');
  const auto given = base::split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::string_view name;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{name}" && !given[i].empty())
      name = given[i];
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return name;
}

core::ServerResponse wrong_method(const core::ServerRequest& request, const std::string& allowed) {
  auto response = core::problem_response(405, core::problem_body(405, base::Code::bad_request,
                                                                 request.method + " is not offered for " +
                                                                     request.path + "; " + allowed + " is"));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::optional<base::Error> unknown_parameter(const Route& route, const core::ServerRequest& request) {
  const auto known = base::split(route.parameters, ' ');
  for (const auto& [key, value] : request.query) {
    if (!key.empty() && std::find(known.begin(), known.end(), key) != known.end()) continue;
    return base::Error{base::Code::bad_request, "the query parameter \"" + key + "\" is not known here", {}};
  }
  return std::nullopt;
}

base::Error forbidden(const core::Caller& caller, Role needed) {
  return {base::Code::forbidden,
          caller.name + " has the role " + std::string(core::to_string(caller.role)) + ", this needs " +
              std::string(core::to_string(needed)) + ": see `api.roles` in the configuration",
          {}};
}

}  // namespace

Api::Api(core::ControlPort& control, core::TaskPort& tasks, core::EventRing& events, core::EventRing& logs,
         core::EventRing& task_events)
    : control_(control), tasks_(tasks), events_(events), logs_(logs), task_events_(task_events) {}

void Api::handle(const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) {
  // Whoever has no role does not even learn which paths there are.
  if (request.caller.role == Role::none)
    return responder->answer(core::problem(forbidden(request.caller, Role::viewer)));
  std::string allowed;
  for (const auto& route : kRoutes) {
    const auto name = match(route.path, request.path);
    if (!name) continue;
    if (route.method != request.method) {
      allowed.append(allowed.empty() ? "" : ", ").append(route.method);
      continue;
    }
    if (request.caller.role < route.role)
      return responder->answer(core::problem(forbidden(request.caller, route.role)));
    if (const auto error = unknown_parameter(route, request)) return responder->answer(core::problem(*error));
    return route.handler(
        {request, std::move(responder), *name, control_, tasks_, events_, logs_, task_events_});
  }
  if (!allowed.empty()) return responder->answer(wrong_method(request, allowed));
  responder->answer(core::problem({base::Code::not_found, "there is no " + request.path, {}}));
}

}  // namespace fairlead::api
