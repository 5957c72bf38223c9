#include "config/mask.hpp"
#include "config/show.hpp"
#include "config/show_parts.hpp"

namespace fairlead::config {

namespace {

using base::Json;

Json roles_json(const core::Config& config) {
  Json roles = Json::array();
  for (const auto& rule : config.roles)
    roles.push(std::move(Json::object()
                             .set(rule.is_group ? "gid" : "uid", rule.id)
                             .set("role", to_string(rule.role))
                             .set("class", to_string(rule.caller_class))));
  return roles;
}

Json actors_json(const core::Config& config) {
  Json actors = Json::object();
  for (const auto& [name, actor] : config.actors)
    actors.set(
        name,
        std::move(
            Json::object().set("class", to_string(actor.actor_class)).set("description", actor.description)));
  return actors;
}

Json forwards_json(const core::Tunnel& tunnel) {
  Json forwards = Json::array();
  for (const auto& forward : tunnel.forwards)
    forwards.push(std::move(Json::object()
                                .set(to_string(forward.kind), to_string(forward.listen))
                                .set("to", to_string(forward.target))));
  return forwards;
}

Json health_check_json(const core::HealthCheck& check) {
  Json json = Json::object();
  json.set("url", mask_url(check.url)).set("from", to_string(check.from));
  json.set("interval_seconds", seconds_of(check.interval)).set("timeout_seconds", seconds_of(check.timeout));
  json.set("fall", check.fall).set("rise", check.rise);
  return json;
}

Json tunnel_json(const core::Tunnel& tunnel) {
  Json json = Json::object();
  json.set("host", tunnel.host).set("port", tunnel.port).set("ssh_user", tunnel.ssh_user);
  json.set("ssh_key", tunnel.ssh_key);
  if (!tunnel.ssh_key_passphrase_file.empty())
    json.set("ssh_key_passphrase_file", tunnel.ssh_key_passphrase_file);
  json.set("known_hosts", tunnel.known_hosts).set("host_key", to_string(tunnel.host_key));
  json.set("actor", tunnel.actor.name).set("forwards", forwards_json(tunnel));
  for (const auto& check : tunnel.health_checks) json.set("health_check", health_check_json(check));
  json.set("reconnect",
           std::move(Json::object()
                         .set("max_attempts", tunnel.reconnect.max_attempts)
                         .set("backoff_initial_seconds", seconds_of(tunnel.reconnect.backoff_initial))
                         .set("backoff_max_seconds", seconds_of(tunnel.reconnect.backoff_max))));
  json.set("keepalive",
           std::move(Json::object()
                         .set("interval_seconds", seconds_of(tunnel.keepalive.interval))
                         .set("user_timeout_seconds", seconds_of(tunnel.keepalive.user_timeout))));
  json.set("connect_timeout_seconds", seconds_of(tunnel.connect_timeout)).set("autostart", tunnel.autostart);
  return json;
}

Json sender_json(const core::Sender& sender) {
  Json json = Json::object();
  json.set("type", to_string(sender.type)).set("severity", to_string(sender.severity));
  if (!sender.events.empty()) json.set("events", texts_json(sender.events));
  json.set("rate", sender.rate).set("burst", sender.burst);
  json.set("retry", std::move(Json::object()
                                  .set("attempts", sender.retry.attempts)
                                  .set("backoff_initial_seconds", seconds_of(sender.retry.backoff_initial))
                                  .set("backoff_max_seconds", seconds_of(sender.retry.backoff_max))));
  json.set("timeout_seconds", seconds_of(sender.timeout));
  const auto set = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) json.set(key, value);
  };
  set("url", sender.url);
  set("url_file", sender.url_file);
  set("topic", sender.topic);
  set("token_file", sender.token_file);
  set("secret_file", sender.secret_file);
  if (!sender.headers.empty()) {
    Json headers = Json::object();
    for (const auto& [name, value] : sender.headers) headers.set(name, value);
    json.set("headers", std::move(headers));
  }
  if (!sender.argv.empty()) json.set("argv", texts_json(sender.argv));
  return json;
}

Json notify_json(const core::NotifySettings& settings) {
  Json senders = Json::object();
  for (const auto& [name, sender] : settings.senders) senders.set(name, sender_json(sender));
  Json json = Json::object();
  json.set("tunnel_degraded_after_seconds", seconds_of(settings.tunnel_degraded_after));
  json.set("tunnel_failed_after_seconds", seconds_of(settings.tunnel_failed_after));
  json.set("senders", std::move(senders));
  return json;
}

Json policy_json(const core::PolicySettings& settings) {
  Json deadlines = Json::object();
  for (const core::EventInfo& event : core::all_events()) {
    const auto at = static_cast<std::size_t>(event.event);
    if (at < settings.deadlines.size() && settings.deadlines[at].count() > 0)
      deadlines.set(event.name, seconds_of(settings.deadlines[at]));
  }
  Json json = Json::object();
  json.set("dir", settings.folder).set("deadline_seconds", seconds_of(settings.deadline));
  json.set("deadlines_seconds", std::move(deadlines));
  json.set("allow", std::move(Json::object()
                                  .set("commands", texts_json(settings.allow.commands))
                                  .set("hosts", texts_json(settings.allow.hosts))
                                  .set("tunnels", texts_json(settings.allow.tunnels))));
  json.set("journal", std::move(Json::object()
                                    .set("age_seconds", seconds_of(settings.journal_age))
                                    .set("megabytes", settings.journal_bytes >> 20)));
  return json;
}

}  // namespace

Json show_json(const core::Config& config) {
  Json json = Json::object();
  json.set("file", config.file).set("mode", config.system_mode ? "system" : "user");
  json.set("path_base", config.path_base).set("version", 1);
  json.set("state_dir", config.state_dir).set("runtime_dir", config.runtime_dir);
  const bool text = config.log_format == base::LogFormat::key_value;
  json.set(
      "log",
      std::move(
          Json::object().set("level", to_string(config.log_level)).set("format", text ? "text" : "json")));
  json.set("api", std::move(Json::object().set("roles", roles_json(config))));
  json.set("notify", notify_json(config.notify));
  json.set("policy", policy_json(config.policy));
  set_work(config, json);
  json.set("actors", actors_json(config));
  Json tunnels = Json::object();
  for (const auto& [name, tunnel] : config.tunnels) tunnels.set(name, tunnel_json(tunnel));
  json.set("tunnels", std::move(tunnels));
  return json;
}

}  // namespace fairlead::config
