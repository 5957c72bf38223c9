// What the daemon offers to the CLI and to other programs: one table of routes (routes.cpp), documented in
// docs/api.md. Owned by app/; loop thread only. Every failure is an application/problem+json answer.
#pragma once
#include "core/event_ring.hpp"
#include "core/http_service.hpp"
#include "core/ports.hpp"
#include "core/task_port.hpp"

namespace fairlead::api {

class Api : public core::HttpService {
 public:
  // All outlive the Api; the rings also the server. `task_events` is where "task_state" and "task_output" of
  // single tasks are read; it may be `events`, but a task that writes much then drives out what else is kept.
  Api(core::ControlPort& control, core::TaskPort& tasks, core::EventRing& events, core::EventRing& logs,
      core::EventRing& task_events);

  void handle(const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) override;

 private:
  core::ControlPort& control_;
  core::TaskPort& tasks_;
  core::EventRing& events_;
  core::EventRing& logs_;
  core::EventRing& task_events_;
};

}  // namespace fairlead::api
