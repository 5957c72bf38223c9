// One call of a route: what its handler needs, and the answers that most of them give. Private to this
// folder; a value that lives as long as the handler runs.
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "core/event_ring.hpp"
#include "core/http_service.hpp"
#include "core/ports.hpp"
#include "core/task_port.hpp"

namespace fairlead::api {

struct Call {
  const core::ServerRequest& request;
  std::shared_ptr<core::Responder> responder;
  std::string_view name;  // what stands for {name} in the route's path
  core::ControlPort& control;
  core::TaskPort& tasks;
  core::EventRing& events;
  core::EventRing& logs;
  core::EventRing& task_events;

  void reply(const base::Json& body) const;
  void refuse(const base::Error& error) const;
};

core::ServerResponse json_response(int status, const base::Json& body);
// Of an error that may tell of several faults, one a line: "errors" lists them, each printable.
core::ServerResponse problem_with_faults(const base::Error& error);
base::Json faults_of(const base::Error& error);
// From where a stream goes on: the header that browsers send by themselves when they come back, else the
// parameter; nothing: from now.
base::Result<std::optional<std::uint64_t>> cursor_given(const core::ServerRequest& request);
// The task that the path names; not_found when that is no id.
base::Result<core::TaskId> task_named(std::string_view name);

// The handlers. Authorised and matched already.
void get_version(const Call& call);
void get_status(const Call& call);
void get_policy(const Call& call);
void get_tunnel(const Call& call);
void post_up(const Call& call);
void post_down(const Call& call);
void post_restart(const Call& call);
void post_reconnect(const Call& call);
void post_reload(const Call& call);
void post_notify_test(const Call& call);
void get_log_level(const Call& call);
void put_log_level(const Call& call);
void get_logs(const Call& call);
void get_log_stream(const Call& call);
void get_events(const Call& call);

void post_tasks(const Call& call);
void get_tasks(const Call& call);
void get_task(const Call& call);
void post_cancel(const Call& call);
void post_retry(const Call& call);
void post_requeue(const Call& call);
void get_task_logs(const Call& call);
void get_task_events(const Call& call);

void get_workers(const Call& call);
void post_drain(const Call& call);
void get_queue(const Call& call);
void get_queue_events(const Call& call);
void post_pause(const Call& call);
void post_resume(const Call& call);
void get_metrics(const Call& call);

}  // namespace fairlead::api
