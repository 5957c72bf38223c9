#include "app/control.hpp"

#include <unistd.h>

#include <utility>

#include "base/text.hpp"
#include "core/config_diff.hpp"

namespace fairlead::app {

namespace {

base::Error unknown(std::string_view name, const ssh::TunnelSet& tunnels) {
  std::vector<core::TunnelStatus> all = tunnels.status();
  std::vector<std::string_view> names;
  for (const auto& tunnel : all) names.emplace_back(tunnel.name);
  const auto near = base::nearest(name, names);
  std::string message = "no tunnel has this name";
  if (!near.empty()) message += "; did you mean " + std::string(near) + "?";
  return base::Error{base::Code::not_found, message, base::printable(name, 128)};
}

}  // namespace

Control::Control(Parts parts, core::ConfigPtr config)
    : parts_(parts), config_(std::move(config)), started_at_(base::wall_now()), loaded_at_(started_at_) {}

core::DaemonStatus Control::daemon_status() const {
  core::DaemonStatus status;
  status.version = FAIRLEAD_VERSION;
  status.config_file = config_->file;
  status.config_generation = config_->generation;
  status.config_loaded_at = loaded_at_;
  status.last_reload_error = last_reload_error_;
  status.started_at = started_at_;
  status.log_level = parts_.log.level();
  status.audit_seq = parts_.audit.last_seq();
  status.audit_head = parts_.audit.head_hash();
  status.audit_error = parts_.audit.error();
  status.loop_turns = parts_.loop.turns();
  status.pid = static_cast<int>(::getpid());
  return status;
}

base::Result<core::TunnelStatus> Control::tunnel(std::string_view name) const {
  const ssh::Tunnel* found = parts_.tunnels.find(name);
  if (found == nullptr) return unknown(name, parts_.tunnels);
  return found->status();
}

base::Result<> Control::up(std::string_view name, const core::Caller& caller) {
  ssh::Tunnel* tunnel = parts_.tunnels.find(name);
  if (tunnel == nullptr) return unknown(name, parts_.tunnels);
  parts_.state.set_down(std::string(name), false);
  return tunnel->start(&caller);
}

base::Result<> Control::down(std::string_view name, const core::Caller& caller) {
  ssh::Tunnel* tunnel = parts_.tunnels.find(name);
  if (tunnel == nullptr) return unknown(name, parts_.tunnels);
  parts_.state.set_down(std::string(name), true);
  return tunnel->stop(&caller);
}

base::Result<> Control::restart(std::string_view name, const core::Caller& caller) {
  ssh::Tunnel* tunnel = parts_.tunnels.find(name);
  if (tunnel == nullptr) return unknown(name, parts_.tunnels);
  parts_.state.set_down(std::string(name), false);
  if (tunnel->state() != core::TunnelState::stopped) (void)tunnel->stop(&caller);
  return tunnel->start(&caller);
}

base::Result<> Control::reconnect(std::string_view name, const core::Caller& caller) {
  ssh::Tunnel* tunnel = parts_.tunnels.find(name);
  if (tunnel == nullptr) return unknown(name, parts_.tunnels);
  return tunnel->reconnect(&caller);
}

void Control::reload(const core::Caller& caller, std::function<void(base::Result<core::ReloadReport>)> done) {
  parts_.reload.start(++generations_,
                      [this, caller, done = std::move(done)](base::Result<core::ConfigPtr> result) {
                        done(on_reloaded(caller, std::move(result)));
                      });
}

base::Result<core::ReloadReport> Control::on_reloaded(const core::Caller& caller,
                                                      base::Result<core::ConfigPtr> result) {
  base::Json body = base::Json::object();
  if (!result) {
    if (result.error().code == base::Code::cancelled) return result.error();
    last_reload_error_ = result.error().text();
    const std::string first = last_reload_error_.substr(0, last_reload_error_.find('\n'));
    parts_.log.error("reload_rejected", {{"file", config_->file}, {"error", last_reload_error_}});
    note(caller, "config_rejected", first);
    body.set("applied", false).set("generation", config_->generation).set("error", last_reload_error_);
    parts_.events.publish("reload", body);
    return result.error();
  }
  const core::TunnelDiff plan = core::diff_tunnels(*config_, **result);
  config_ = *result;
  loaded_at_ = base::wall_now();
  last_reload_error_.clear();
  const auto count = [](const std::vector<std::string>& names) { return std::to_string(names.size()); };
  const std::string summary = "generation " + std::to_string(config_->generation) + ": " + count(plan.added) +
                              " added, " + count(plan.removed) + " removed, " + count(plan.changed) +
                              " changed, " + count(plan.unchanged) + " unchanged";
  parts_.log.info("config_reloaded", {{"file", config_->file}, {"plan", summary}});
  note(caller, "config_reloaded", summary);
  body.set("applied", true).set("generation", config_->generation);
  parts_.events.publish("reload", body);
  return core::ReloadReport{config_->generation, plan.added, plan.removed, plan.changed, plan.unchanged};
}

void Control::set_log_level(base::Level level, const core::Caller& caller) {
  const auto before = parts_.log.level();
  parts_.log.set_level(level);
  note(caller, "log_level_changed", std::string(to_string(before)) + " -> " + std::string(to_string(level)));
  base::Json body = base::Json::object();
  body.set("level", to_string(level));
  parts_.events.publish("log_level", body);
}

void Control::test_sender(std::string_view name, const core::Caller& caller,
                          std::function<void(base::Result<>)> done) {
  parts_.notifier.test(name, [this, sender = base::printable(name, 64), caller,
                              done = std::move(done)](base::Result<> outcome) {
    note(caller, "sender_tested", sender + ": " + (outcome ? "delivered" : outcome.error().message));
    done(std::move(outcome));
  });
}

void Control::note(const core::Caller& caller, std::string event, std::string detail) {
  parts_.audit.append({{},
                       caller.name,
                       std::string(core::to_string(caller.caller_class)),
                       std::move(event),
                       std::move(detail)});
}

}  // namespace fairlead::app
