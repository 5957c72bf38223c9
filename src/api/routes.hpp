// What the daemon offers to the CLI and to other programs: one table of routes (routes.cpp), documented in
// docs/api.md. Owned by app/; loop thread only. Every failure is an application/problem+json answer.
#pragma once
#include "core/event_ring.hpp"
#include "core/http_service.hpp"
#include "core/ports.hpp"

namespace fairlead::api {

class Api : public core::HttpService {
 public:
  // All three outlive the Api; the rings also the server.
  Api(core::ControlPort& control, core::EventRing& events, core::EventRing& logs);

  void handle(const core::ServerRequest& request, std::shared_ptr<core::Responder> responder) override;

 private:
  core::ControlPort& control_;
  core::EventRing& events_;
  core::EventRing& logs_;
};

}  // namespace fairlead::api
