// The handlers that ask the daemon for something; those that read the rings are in streams.cpp.
#include <utility>

#include "api/call.hpp"
#include "api/render.hpp"
#include "base/text.hpp"

namespace fairlead::api {

namespace {
constexpr std::size_t kLongestFault = 4096;
}

void Call::reply(const base::Json& body) const {
  responder->answer(json_response(200, body));
}

void Call::refuse(const base::Error& error) const {
  responder->answer(core::problem(error));
}

core::ServerResponse json_response(int status, const base::Json& body) {
  return {status, "application/json", body.dump(), {}};
}

base::Json faults_of(const base::Error& error) {
  base::Json lines = base::Json::array();
  const std::string text = error.text();
  for (const auto line : base::split(text, '\n'))
    if (!line.empty()) lines.push(base::printable(line, kLongestFault));
  return lines;
}

core::ServerResponse problem_with_faults(const base::Error& error) {
  const int status = core::status_of(error.code);
  base::Json body = core::problem_body(status, error.code, error.text());
  if (error.code != base::Code::bad_config && error.code != base::Code::bad_request)
    return core::problem_response(status, body);
  base::Json lines = faults_of(error);
  std::string detail;
  for (const auto line : lines.view().items()) detail.append(detail.empty() ? "" : "\n").append(line.text());
  body.set("detail", detail).set("errors", std::move(lines));
  return core::problem_response(status, body);
}

void get_version(const Call& call) {
  const core::DaemonStatus daemon = call.control.daemon_status();
  base::Json body = base::Json::object();
  body.set("version", daemon.version).set("api", 1).set("pid", daemon.pid);
  call.reply(body);
}

void get_status(const Call& call) {
  call.reply(render_status(call.control.daemon_status(), call.control.tunnels(), call.control.notify_status(),
                           call.control.policy_status(), call.tasks.queue_status(), call.events.last_id()));
}

void get_policy(const Call& call) {
  call.reply(render(call.control.policy_status()));
}

void get_tunnel(const Call& call) {
  const auto tunnel = call.control.tunnel(call.name);
  if (!tunnel) return call.refuse(tunnel.error());
  call.reply(render(*tunnel));
}

namespace {

// The tunnel as it is right after the request was taken; what comes of it is in the events.
void reply_after(const Call& call, const base::Result<>& taken) {
  if (!taken) return call.refuse(taken.error());
  get_tunnel(call);
}

}  // namespace

void post_up(const Call& call) {
  reply_after(call, call.control.up(call.name, call.request.caller));
}
void post_down(const Call& call) {
  reply_after(call, call.control.down(call.name, call.request.caller));
}
void post_restart(const Call& call) {
  reply_after(call, call.control.restart(call.name, call.request.caller));
}
void post_reconnect(const Call& call) {
  reply_after(call, call.control.reconnect(call.name, call.request.caller));
}

void post_reload(const Call& call) {
  call.control.reload(call.request.caller,
                      [responder = call.responder](const base::Result<core::ReloadReport>& report) {
                        if (!report) return responder->answer(problem_with_faults(report.error()));
                        responder->answer({200, "application/json", render(*report).dump(), {}});
                      });
}

void post_notify_test(const Call& call) {
  const auto answer = [responder = call.responder,
                       name = std::string(call.name)](const base::Result<>& outcome) {
    if (!outcome) return responder->answer(core::problem(outcome.error()));
    base::Json body = base::Json::object();
    body.set("sender", name).set("outcome", "delivered");
    responder->answer({200, "application/json", body.dump(), {}});
  };
  call.control.test_sender(call.name, call.request.caller, answer);
}

void get_log_level(const Call& call) {
  base::Json body = base::Json::object();
  body.set("level", base::to_string(call.control.daemon_status().log_level));
  call.reply(body);
}

void put_log_level(const Call& call) {
  const auto body = base::Json::parse(call.request.body);
  if (!body) return call.refuse(body.error());
  const auto level = base::parse_level((*body)["level"].text());
  if (!level || body->view().size() != 1) {
    return call.refuse({base::Code::bad_request,
                        "the body is {\"level\":LEVEL}, with error, warn, info or debug as LEVEL",
                        {}});
  }
  call.control.set_log_level(*level, call.request.caller);
  get_log_level(call);
}

}  // namespace fairlead::api
