#include "base/text.hpp"
#include "config/show_parts.hpp"

namespace fairlead::config {

namespace {

void show_limits(const core::ProgramLimits& limits, Lines& lines) {
  if (limits == core::ProgramLimits{}) return;
  lines.open("limits");
  if (limits.cpu_seconds > 0) lines.line("cpu", std::to_string(limits.cpu_seconds) + "s");
  if (limits.memory_bytes > 0) lines.line("memory", base::exact_bytes(limits.memory_bytes));
  if (limits.file_bytes > 0) lines.line("file", base::exact_bytes(limits.file_bytes));
  if (limits.open_files > 0) lines.line("open_files", std::to_string(limits.open_files));
  if (limits.processes > 0) lines.line("processes", std::to_string(limits.processes));
  lines.close();
}

void show_program(const core::ProgramSettings& program, Lines& lines) {
  if (!program.environment.empty()) {
    lines.open("env");
    for (const auto& [name, value] : program.environment) lines.line(scalar(name), scalar(value));
    lines.close();
  }
  show_texts("inherit", program.inherit, lines);
  lines.line("folder", scalar(program.folder));
  lines.line("input", program.input == core::TaskInput::file ? "file" : "stdin");
  lines.line("output", base::exact_bytes(program.output_bytes));
  lines.line("grace", exact_duration(program.grace));
  show_limits(program.limits, lines);
  lines.line("sandbox", program.sandbox ? "true" : "false");
  lines.line("network", program.network ? "true" : "false");
  show_texts("writable", program.writable, lines);
}

void show_scripts(const core::ExecutorSettings& executors, Lines& lines) {
  lines.open("script");
  lines.open("programs");
  for (const auto& [name, script] : executors.scripts) {
    lines.open(scalar(name));
    lines.line("path", scalar(script.path));
    lines.line("sha256", '"' + script.sha256 + '"');
    show_texts("args", script.args, lines);
    lines.line("accepts_args", script.accepts_args ? "true" : "false");
    show_program(script.program, lines);
    lines.close();
  }
  lines.close();
  lines.close();
}

void show_executors(const core::ExecutorSettings& executors, Lines& lines) {
  if (executors == core::ExecutorSettings{}) return;
  lines.open("executors");
  if (!executors.scripts.empty()) show_scripts(executors, lines);
  const auto show_inline = [&](std::string_view key, const std::optional<core::ProgramSettings>& program) {
    if (!program) return;
    lines.open(key);
    show_program(*program, lines);
    lines.close();
  };
  show_inline("run_bash", executors.run_bash);
  show_inline("run_python", executors.run_python);
  if (executors.noop) lines.line("noop", "{}");
  if (executors.sleep) lines.line("sleep", "{}");
  lines.close();
}

void show_worker(const core::WorkerSettings& worker, Lines& lines) {
  if (!worker.enabled) return;
  lines.open("worker");
  lines.line("name", scalar(worker.name));
  if (!worker.site.empty()) lines.line("site", scalar(worker.site));
  lines.line("node", scalar(worker.node));
  show_texts("capabilities", worker.capabilities, lines);
  lines.line("concurrency", std::to_string(worker.concurrency));
  if (!worker.per_capability.empty()) {
    lines.open("per_capability");
    for (const auto& [capability, count] : worker.per_capability)
      lines.line(scalar(capability), std::to_string(count));
    lines.close();
  }
  lines.line("lease", exact_duration(worker.lease));
  lines.line("stop_deadline", exact_duration(worker.stop_deadline));
  lines.close();
}

}  // namespace

void show_work(const core::Config& config, Lines& lines) {
  lines.line("store", config.store.url.empty() ? "sqlite" : scalar(config.store.url));
  if (!config.store.password_file.empty())
    lines.line("store_password_file", scalar(config.store.password_file));
  if (!config.store.via.empty()) lines.line("store_via", scalar(config.store.via));
  lines.open("queue");
  lines.line("history_age", exact_duration(config.queue.history_age));
  lines.line("history_count", std::to_string(config.queue.history_count));
  lines.line("key_memory", exact_duration(config.queue.key_memory));
  lines.line("stuck_after", exact_duration(config.queue.stuck_after));
  lines.close();
  show_worker(config.worker, lines);
  show_executors(config.executors, lines);
}

}  // namespace fairlead::config
