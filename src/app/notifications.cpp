#include "app/notifications.hpp"

#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace fairlead::app {

namespace {

notify::TunnelThresholds thresholds_of(const core::NotifySettings& settings) {
  return {settings.tunnel_degraded_after, settings.tunnel_failed_after};
}

// The `source` of CloudEvents: which machine speaks. A URN may not hold every character that a host name can.
std::string event_source() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "urn:fairlead:unknown";
  std::string source = "urn:fairlead:";
  for (const char c : std::string_view(name.data())) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    source += plain ? c : '-';
  }
  return source;
}

std::optional<core::TunnelState> parse_state(std::string_view text) {
  using core::TunnelState;
  for (const auto state : {TunnelState::stopped, TunnelState::starting, TunnelState::connected,
                           TunnelState::degraded, TunnelState::reconnecting, TunnelState::failed})
    if (to_string(state) == text) return state;
  return std::nullopt;
}

core::Reason parse_reason(std::string_view id) {
  for (const auto& row : core::all_reasons())
    if (row.id == id) return row.reason;
  return core::Reason::none;
}

}  // namespace

class Notifications::WatchTicket final : public core::Ticket {
 public:
  WatchTicket(Notifications& owner, core::ConfigPtr next, std::unique_ptr<core::Ticket> senders)
      : owner_(owner), next_(std::move(next)), senders_(std::move(senders)) {}
  void commit() noexcept override {
    senders_->commit();
    owner_.switch_to(*next_);
  }

 private:
  Notifications& owner_;
  core::ConfigPtr next_;
  std::unique_ptr<core::Ticket> senders_;
};

Notifications::Notifications(Parts parts, const core::Config& config)
    : log_(parts.log),
      events_(parts.events),
      notifier_({parts.loop, std::move(parts.http_client), parts.spawner, event_source()}, parts.log,
                std::move(parts.transform), config.notify),
      watch_(thresholds_of(config.notify)),
      due_(parts.loop, "tunnel-watch", [this] { tell_what_is_due(); }) {}

Notifications::~Notifications() {
  if (const auto count = notifier_.waiting(); count > 0) log_.warn("notices_lost", {{"count", count}});
}

void Notifications::publish(std::string_view type, const base::Json& body) {
  events_.publish(type, body);
  if (type == "tunnel_state") on_tunnel_state(body.view());
}

void Notifications::on_tunnel_state(base::JsonView body) {
  const auto state = parse_state(body["to"].text());
  if (!state) return;
  const notify::TunnelChange change{std::string(body["tunnel"].text()), *state,
                                    parse_reason(body["reason"].text()), std::string(body["detail"].text())};
  if (auto notice = watch_.on_change(change, base::steady_now(), base::wall_now()))
    notifier_.notify(std::move(*notice));
  tell_what_is_due();
}

void Notifications::tell_what_is_due() {
  const auto now = base::steady_now();
  for (auto& notice : watch_.due(now, base::wall_now())) notifier_.notify(std::move(notice));
  const auto next = watch_.next_due();
  if (!next) return due_.stop();
  due_.start(std::chrono::ceil<base::Millis>(*next - now));
}

base::Result<std::unique_ptr<core::Ticket>> Notifications::prepare(const core::ConfigPtr& next) {
  auto senders = notifier_.prepare(next);
  if (!senders) return senders.error();
  return std::unique_ptr<core::Ticket>(std::make_unique<WatchTicket>(*this, next, std::move(*senders)));
}

void Notifications::switch_to(const core::Config& config) {
  watch_.set_thresholds(thresholds_of(config.notify));
  watch_.keep_only(config.tunnels);
  tell_what_is_due();
}

}  // namespace fairlead::app
