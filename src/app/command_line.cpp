#include "app/command_line.hpp"

#include <iostream>
#include <memory>
#include <utility>

#include "app/daemon.hpp"
#include "app/locate_daemon.hpp"
#include "app/offline_commands.hpp"
#include "app/policy_commands.hpp"
#include "cli/commands.hpp"
#include "cli/report.hpp"
#include "http/load_client.hpp"

namespace fairlead::app {

namespace {

constexpr const char* kDescription = "Keeps named SSH tunnels up, and proves that they carry data.";
constexpr const char* kFooter =
    "Exit codes: 0 ok; 1 failure, unknown tunnel or bad configuration; 2 already in the requested state;\n"
    "64 usage; 69 the daemon is not reachable; 78 bad configuration at the daemon's start.\n"
    "`task wait` and `task add --wait` end as the task did: its program's status, 124 timeout, 125 without a "
    "status,\n"
    "75 not over yet. See fairlead(1).";

void add_global_options(cli::Command program, GlobalOptions& options) {
  program.option("--config", options.config, "FILE", "the configuration file")
      .option("--socket", options.socket, "PATH",
              "the daemon's control socket; else the configuration tells it")
      .choice("--color", options.color, {"auto", "always", "never"}, "WHEN",
              "auto, always or never; auto: on a terminal, unless NO_COLOR is set");
}

struct DaemonRequest {
  std::string level, format;
};

int start_daemon(const GlobalOptions& globals, const DaemonRequest& request) {
  DaemonOptions options{globals.config, base::parse_level(request.level), std::nullopt};
  if (request.format == "json") options.log_format = base::LogFormat::json_lines;
  if (request.format == "text") options.log_format = base::LogFormat::key_value;
  return run_daemon(options);
}

void add_daemon_command(cli::Command program, const GlobalOptions& globals) {
  const auto request = std::make_shared<DaemonRequest>();
  program.add("daemon", "Run the daemon in the foreground, logging to stderr", "Daemon")
      .choice("--log-level", request->level, {"error", "warn", "info", "debug"}, "LEVEL",
              "error, warn, info or debug, over the configuration's")
      .choice("--log-format", request->format, {"text", "json"}, "FORMAT",
              "text or json, over the configuration's")
      .runs([&globals, request](cli::Context&) {
        return static_cast<cli::Exit>(start_daemon(globals, *request));
      });
}

cli::ColorWhen color_when(const std::string& text) {
  if (text == "always") return cli::ColorWhen::always;
  return text == "never" ? cli::ColorWhen::never : cli::ColorWhen::automatic;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  cli::CommandLine line("fairlead", FAIRLEAD_VERSION, kDescription, kFooter);
  GlobalOptions options;
  const auto program = line.program();
  add_global_options(program, options);
  cli::add_tunnel_commands(program);
  cli::add_status_command(program);
  cli::add_logs_command(program);
  add_daemon_command(program, options);
  cli::add_control_commands(program);
  cli::add_notify_commands(program);
  cli::add_task_commands(program);
  cli::add_worker_commands(program);
  cli::add_queue_commands(program);
  add_config_commands(program, options);
  add_audit_commands(program, options);
  add_policy_commands(program, options);
  const auto parsed = line.parse({argv + (argc > 0 ? 1 : 0), argv + argc}, std::cout, std::cerr);
  if (parsed.exit) return static_cast<int>(*parsed.exit);
  cli::Context context{std::cout, std::cerr, cli::find_terminal(color_when(options.color)),
                       [&options] { return locate_daemon(options); },
                       [](loop::Loop& loop) { return http::load_client(loop); }};
  const auto exit = parsed.run(context);
  if (std::cout.flush()) return static_cast<int>(exit);
  cli::complain(context, "cannot write to standard output: is the disk full?");
  return static_cast<int>(exit == cli::Exit::ok ? cli::Exit::failure : exit);
}

}  // namespace fairlead::app
