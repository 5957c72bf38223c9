// logs: the last lines of the daemon's log, and with --follow all that come.
#include <memory>
#include <utility>

#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/log_text.hpp"
#include "cli/report.hpp"
#include "cli/status_text.hpp"
#include "core/event_ring.hpp"

namespace fairlead::cli {

namespace {

constexpr int kMostLines = core::kMostKept;

struct LogsRequest {
  std::string name;
  int lines = 50;
  bool follow = false;
  bool json = false;
};

std::string query(const LogsRequest& request, const std::string& path, bool with_lines) {
  std::string text = path;
  if (with_lines) text += "?lines=" + std::to_string(request.lines);
  if (!request.name.empty()) text += (with_lines ? "&tunnel=" : "?tunnel=") + escape_segment(request.name);
  return text;
}

void print_line(Context& context, const LogsRequest& request, base::JsonView line) {
  if (request.json)
    print_json(context, line, false);
  else
    context.out << render_log_line(line, context.terminal.color_out) << '\n' << std::flush;
}

Exit follow(Context& context, DaemonClient& client, const LogsRequest& request, const std::string& after) {
  base::Error end;
  const auto stream = client.follow(
      query(request, "/v1/logs/stream", false), after,
      [&](const StreamEvent& event) {
        const auto line = base::Json::parse(event.data);
        if (event.type == "log" && line) print_line(context, request, line->view());
        if (event.type == "resync")
          warn(context, "lines are missing here: they came faster than they were read");
        if (!context.out) client.interrupt();  // nobody reads any more
      },
      [&](base::Error error) {
        end = std::move(error);
        client.interrupt();
      });
  while (!client.interrupted()) client.pause(std::chrono::hours(1));
  return context.out ? fail(context, end, request.json, false) : Exit::failure;
}

Exit run(Context& context, const LogsRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json, false);
  if (!request.name.empty()) {
    const auto status = (*client)->get("/v1/status");
    if (!status) return fail(context, status.error(), request.json, false);
    if (!find_tunnel(status->view(), request.name).exists())
      return fail(context, no_such_tunnel(request.name, tunnel_names(status->view())), request.json, false);
  }
  const auto answer = (*client)->get(query(request, "/v1/logs", true));
  if (!answer) return fail(context, answer.error(), request.json, false);
  for (const auto line : (*answer)["lines"].items()) print_line(context, request, line);
  if (!request.follow) return Exit::ok;
  return follow(context, **client, request, std::to_string((*answer)["last_event_id"].integer()));
}

}  // namespace

void add_logs_command(Command program) {
  const auto request = std::make_shared<LogsRequest>();
  program.add("logs", "Show the daemon's log", "Tunnels")
      .argument("NAME", request->name, "only lines about this tunnel")
      .number("-n,--lines", request->lines, 0, kMostLines, "N", "how many of the last lines, 50 unless given")
      .flag("-f,--follow", request->follow, "go on with new lines until Ctrl-C")
      .flag("--json", request->json, "one JSON object a line")
      .runs([request](Context& context) { return run(context, *request); });
}

}  // namespace fairlead::cli
