// Notifications in the daemon: owns the Notifier and its first user, the watch over tunnels. It stands
// between the tunnels and the events for clients: what is published goes on unchanged, and the watch sees the
// tunnels' changes. Owned by the daemon, outlives the tunnels; loop thread only.
#pragma once
#include <functional>
#include <memory>

#include "core/child.hpp"
#include "core/ports.hpp"
#include "loop/timer.hpp"
#include "notify/notifier.hpp"
#include "notify/tunnel_watch.hpp"

namespace fairlead::app {

class Notifications final : public core::EventPort, public core::Reloadable {
 public:
  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    base::Log& log;
    core::EventPort& events;
    std::function<base::Result<core::HttpClient*>()> http_client;
    core::SpawnPort* spawner;  // null: senders of type command answer `unavailable`
    notify::Notifier::Transform transform = nullptr;
  };
  Notifications(Parts parts, const core::Config& config);
  ~Notifications() override;

  notify::Notifier& notifier() { return notifier_; }

  void publish(std::string_view type, const base::Json& body) override;

  std::string_view part() const override { return "notify"; }
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class WatchTicket;
  void on_tunnel_state(base::JsonView body);
  void tell_what_is_due();
  void switch_to(const core::Config& config);

  base::Log& log_;
  core::EventPort& events_;
  notify::Notifier notifier_;
  notify::TunnelWatch watch_;
  loop::Timer due_;
};

}  // namespace fairlead::app
