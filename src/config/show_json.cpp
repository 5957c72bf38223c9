#include "config/mask.hpp"
#include "config/show.hpp"

namespace fairlead::config {

namespace {

using base::Json;

double seconds(core::Millis duration) {
  return static_cast<double>(duration.count()) / 1000;
}

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
  json.set("interval_seconds", seconds(check.interval)).set("timeout_seconds", seconds(check.timeout));
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
                         .set("backoff_initial_seconds", seconds(tunnel.reconnect.backoff_initial))
                         .set("backoff_max_seconds", seconds(tunnel.reconnect.backoff_max))));
  json.set("keepalive", std::move(Json::object()
                                      .set("interval_seconds", seconds(tunnel.keepalive.interval))
                                      .set("user_timeout_seconds", seconds(tunnel.keepalive.user_timeout))));
  json.set("connect_timeout_seconds", seconds(tunnel.connect_timeout)).set("autostart", tunnel.autostart);
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
  json.set("actors", actors_json(config));
  Json tunnels = Json::object();
  for (const auto& [name, tunnel] : config.tunnels) tunnels.set(name, tunnel_json(tunnel));
  json.set("tunnels", std::move(tunnels));
  return json;
}

}  // namespace fairlead::config
