#include "base/text.hpp"
#include "config/mask.hpp"
#include "config/show.hpp"
#include "config/show_parts.hpp"

namespace fairlead::config {

namespace {

void show_header(const core::Config& config, Lines& lines) {
  lines.comment("Effective configuration of fairlead: defaults filled in, paths resolved, secrets masked.");
  lines.comment("file: " + base::printable(config.file, 4096));
  lines.comment(config.system_mode ? "mode: system (the file lies below /etc)" : "mode: user");
  lines.comment("`~` and relative paths: " + base::printable(config.path_base, 4096) +
                (config.system_mode ? " (the file's folder)" : " (the invoking user's home)"));
}

void show_sender(const core::Sender& sender, Lines& lines) {
  const auto show = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) lines.line(key, scalar(value));
  };
  lines.open(scalar(sender.name));
  lines.line("type", to_string(sender.type));
  lines.line("severity", to_string(sender.severity));
  show_texts("events", sender.events, lines);
  lines.line("rate", std::to_string(sender.rate));
  lines.line("burst", std::to_string(sender.burst));
  lines.open("retry");
  lines.line("attempts", std::to_string(sender.retry.attempts));
  lines.line("backoff_initial", exact_duration(sender.retry.backoff_initial));
  lines.line("backoff_max", exact_duration(sender.retry.backoff_max));
  lines.close();
  lines.line("timeout", exact_duration(sender.timeout));
  show("url", sender.url);
  show("url_file", sender.url_file);
  show("topic", sender.topic);
  show("token_file", sender.token_file);
  show("secret_file", sender.secret_file);
  if (!sender.headers.empty()) {
    lines.open("headers");
    for (const auto& [name, value] : sender.headers) lines.line(scalar(name), scalar(value));
    lines.close();
  }
  show_texts("argv", sender.argv, lines);
  lines.close();
}

// Without senders nobody is told, whatever the thresholds: they are shown where they differ from the
// defaults.
void show_notify(const core::NotifySettings& settings, Lines& lines) {
  if (settings == core::NotifySettings{}) return;
  lines.open("notify");
  lines.line("tunnel_degraded_after", exact_duration(settings.tunnel_degraded_after));
  lines.line("tunnel_failed_after", exact_duration(settings.tunnel_failed_after));
  if (!settings.senders.empty()) {
    lines.open("senders");
    for (const auto& [name, sender] : settings.senders) show_sender(sender, lines);
    lines.close();
  }
  lines.close();
}

void show_policy(const core::PolicySettings& settings, Lines& lines) {
  lines.open("policy");
  lines.line("dir", scalar(settings.folder));
  lines.line("deadline", exact_duration(settings.deadline));
  if (!settings.deadlines.empty()) {
    lines.open("deadlines");
    for (const core::EventInfo& event : core::all_events())
      if (const auto own = settings.deadlines[static_cast<std::size_t>(event.event)]; own.count() > 0)
        lines.line(event.name, exact_duration(own));
    lines.close();
  }
  if (settings.allow != core::PolicyAllow{}) {
    lines.open("allow");
    show_texts("commands", settings.allow.commands, lines);
    show_texts("hosts", settings.allow.hosts, lines);
    show_texts("tunnels", settings.allow.tunnels, lines);
    lines.close();
  }
  lines.open("journal");
  lines.line("age", exact_duration(settings.journal_age));
  lines.line("megabytes", std::to_string(settings.journal_bytes >> 20));
  lines.close();
  lines.close();
}

void show_settings(const core::Config& config, Lines& lines) {
  lines.line("version", "1");
  lines.line("state_dir", scalar(config.state_dir));
  lines.line("runtime_dir", scalar(config.runtime_dir));
  lines.open("log");
  lines.line("level", to_string(config.log_level));
  lines.line("format", config.log_format == base::LogFormat::key_value ? "text" : "json");
  lines.close();
  if (!config.roles.empty()) {
    lines.open("api");
    lines.open("roles");
    for (const auto& rule : config.roles)
      lines.item("{" + std::string(rule.is_group ? "gid" : "uid") + ": " + std::to_string(rule.id) +
                 ", role: " + std::string(to_string(rule.role)) +
                 ", class: " + std::string(to_string(rule.caller_class)) + "}");
    lines.close();
    lines.close();
  }
  show_notify(config.notify, lines);
  show_policy(config.policy, lines);
  show_work(config, lines);
  if (config.actors.empty()) return;
  lines.open("actors");
  for (const auto& [name, actor] : config.actors) {
    lines.open(scalar(name));
    lines.line("class", to_string(actor.actor_class));
    if (!actor.description.empty()) lines.line("description", scalar(actor.description));
    lines.close();
  }
  lines.close();
}

void show_health_check(const core::HealthCheck& check, Lines& lines) {
  lines.open("health_check");
  lines.line("url", scalar(mask_url(check.url)));
  lines.line("from", to_string(check.from));
  lines.line("interval", exact_duration(check.interval));
  lines.line("timeout", exact_duration(check.timeout));
  lines.line("fall", std::to_string(check.fall));
  lines.line("rise", std::to_string(check.rise));
  lines.close();
}

void show_tunnel(const core::Config& config, const core::Tunnel& tunnel, Lines& lines) {
  lines.open(scalar(tunnel.name));
  lines.line("host", scalar(tunnel.host));
  lines.line("port", std::to_string(tunnel.port));
  lines.line("ssh_user", scalar(tunnel.ssh_user));
  lines.line("ssh_key", scalar(tunnel.ssh_key));
  if (!tunnel.ssh_key_passphrase_file.empty())
    lines.line("ssh_key_passphrase_file", scalar(tunnel.ssh_key_passphrase_file));
  lines.line("known_hosts", scalar(tunnel.known_hosts));
  lines.line("host_key", to_string(tunnel.host_key));
  if (config.actors.contains(tunnel.actor.name)) lines.line("actor", scalar(tunnel.actor.name));
  lines.open("forwards");
  for (const auto& forward : tunnel.forwards)
    lines.item("{" + std::string(to_string(forward.kind)) + ": " + scalar(to_string(forward.listen)) +
               ", to: " + scalar(to_string(forward.target)) + "}");
  lines.close();
  for (const auto& check : tunnel.health_checks) show_health_check(check, lines);
  lines.open("reconnect");
  lines.line("max_attempts", std::to_string(tunnel.reconnect.max_attempts));
  lines.line("backoff_initial", exact_duration(tunnel.reconnect.backoff_initial));
  lines.line("backoff_max", exact_duration(tunnel.reconnect.backoff_max));
  lines.close();
  lines.open("keepalive");
  lines.line("interval", exact_duration(tunnel.keepalive.interval));
  lines.line("user_timeout", exact_duration(tunnel.keepalive.user_timeout));
  lines.close();
  lines.line("connect_timeout", exact_duration(tunnel.connect_timeout));
  lines.line("autostart", tunnel.autostart ? "true" : "false");
  lines.close();
}

}  // namespace

std::string show_yaml(const core::Config& config) {
  Lines lines;
  show_header(config, lines);
  show_settings(config, lines);
  if (config.tunnels.empty()) {
    lines.line("tunnels", "{}");
    return lines.take();
  }
  lines.open("tunnels");
  for (const auto& [name, tunnel] : config.tunnels) show_tunnel(config, tunnel, lines);
  lines.close();
  return lines.take();
}

}  // namespace fairlead::config
