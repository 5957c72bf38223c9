// One call of a route: what its handler needs, and the answers that most of them give. Private to this
// folder; a value that lives as long as the handler runs.
#pragma once
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "core/event_ring.hpp"
#include "core/http_service.hpp"
#include "core/ports.hpp"

namespace fairlead::api {

struct Call {
  const core::ServerRequest& request;
  std::shared_ptr<core::Responder> responder;
  std::string_view name;  // what stands for {name} in the route's path
  core::ControlPort& control;
  core::EventRing& events;
  core::EventRing& logs;

  void reply(const base::Json& body) const;
  void refuse(const base::Error& error) const;
};

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

}  // namespace fairlead::api
