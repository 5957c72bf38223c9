#include "config/show_parts.hpp"

namespace fairlead::config {

namespace {

using base::Json;

Json limits_json(const core::ProgramLimits& limits) {
  Json json = Json::object();
  const auto set = [&](std::string_view key, std::uint64_t value) {
    if (value > 0) json.set(key, value);
  };
  set("cpu_seconds", limits.cpu_seconds);
  set("memory", limits.memory_bytes);
  set("file", limits.file_bytes);
  set("open_files", limits.open_files);
  set("processes", limits.processes);
  return json;
}

void set_program(const core::ProgramSettings& program, Json& json) {
  Json env = Json::object();
  for (const auto& [name, value] : program.environment) env.set(name, value);
  json.set("env", std::move(env)).set("inherit", texts_json(program.inherit)).set("folder", program.folder);
  json.set("input", program.input == core::TaskInput::file ? "file" : "stdin");
  json.set("output", program.output_bytes).set("grace_seconds", seconds_of(program.grace));
  json.set("limits", limits_json(program.limits)).set("sandbox", program.sandbox);
  json.set("network", program.network).set("writable", texts_json(program.writable));
}

Json scripts_json(const core::ExecutorSettings& executors) {
  Json programs = Json::object();
  for (const auto& [name, script] : executors.scripts) {
    Json json = Json::object();
    json.set("path", script.path).set("sha256", script.sha256).set("args", texts_json(script.args));
    json.set("accepts_args", script.accepts_args);
    set_program(script.program, json);
    programs.set(name, std::move(json));
  }
  return std::move(Json::object().set("programs", std::move(programs)));
}

Json executors_json(const core::ExecutorSettings& executors) {
  Json json = Json::object();
  if (!executors.scripts.empty()) json.set("script", scripts_json(executors));
  const auto set_inline = [&](std::string_view key, const std::optional<core::ProgramSettings>& program) {
    if (!program) return;
    Json inline_text = Json::object();
    set_program(*program, inline_text);
    json.set(key, std::move(inline_text));
  };
  set_inline("run_bash", executors.run_bash);
  set_inline("run_python", executors.run_python);
  if (executors.noop) json.set("noop", Json::object());
  if (executors.sleep) json.set("sleep", Json::object());
  return json;
}

Json worker_json(const core::WorkerSettings& worker) {
  Json shares = Json::object();
  for (const auto& [capability, count] : worker.per_capability) shares.set(capability, count);
  Json json = Json::object();
  json.set("name", worker.name);
  if (!worker.site.empty()) json.set("site", worker.site);
  json.set("node", worker.node).set("capabilities", texts_json(worker.capabilities));
  json.set("concurrency", worker.concurrency).set("per_capability", std::move(shares));
  json.set("lease_seconds", seconds_of(worker.lease));
  json.set("stop_deadline_seconds", seconds_of(worker.stop_deadline));
  return json;
}

}  // namespace

void set_work(const core::Config& config, Json& json) {
  json.set("store", config.store.url.empty() ? "sqlite" : config.store.url);
  if (!config.store.password_file.empty()) json.set("store_password_file", config.store.password_file);
  if (!config.store.via.empty()) json.set("store_via", config.store.via);
  Json queue = Json::object();
  queue.set("history_age_seconds", seconds_of(config.queue.history_age));
  queue.set("history_count", config.queue.history_count);
  queue.set("key_memory_seconds", seconds_of(config.queue.key_memory));
  queue.set("stuck_after_seconds", seconds_of(config.queue.stuck_after));
  json.set("queue", std::move(queue));
  if (config.worker.enabled) json.set("worker", worker_json(config.worker));
  if (config.executors != core::ExecutorSettings{}) json.set("executors", executors_json(config.executors));
}

}  // namespace fairlead::config
