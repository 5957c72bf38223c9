// task logs: what a task has written, as far as it is kept; with --follow also what it goes on to write.
#include <memory>
#include <utility>

#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"
#include "cli/task_commands.hpp"
#include "cli/task_outcome.hpp"

namespace fairlead::cli {

namespace {

struct TaskLogsRequest {
  std::string id;
  bool follow = false;
  bool json = false;
};

void show_parts(Context& context, base::JsonView parts) {
  for (const auto part : parts.items()) {
    const auto missing = part["missing_bytes"];
    if (missing.is_number())
      warn(context, std::to_string(missing.integer()) + " bytes of " + std::string(part["stream"].text()) +
                        " are missing here: they were not kept");
    else
      write_output(context, part["stream"].text() == "stderr", part["text"].text());
  }
}

// Ctrl-C ends the looking on, as with `fairlead logs`; the task goes on.
Exit follow_on(Context& context, DaemonClient& client, base::JsonView logs, const std::string& id) {
  TaskWaitOptions options{std::nullopt, true, std::to_string(logs["last_event_id"].integer())};
  options.was_shown = logs["parts"].size() > 0;
  const auto ends = wait_for_tasks(context, client, {logs["task"].integer()}, options);
  const auto& end = ends.front();
  if (end.error) {
    complain(context, end.error->text());
    return end.exit;
  }
  context.err << "task " << id << ": " << outcome_text(end.task.view()) << '\n' << std::flush;
  return Exit::ok;
}

Exit run_logs(Context& context, const TaskLogsRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  const auto logs = (*client)->get("/v1/tasks/" + request.id + "/logs");
  if (!logs) return fail(context, logs.error(), request.json);
  if (request.json) {
    print_json(context, logs->view());
    return Exit::ok;
  }
  show_parts(context, (*logs)["parts"]);
  const auto state = (*logs)["state"].text();
  const bool over = state == "done" || state == "failed" || state == "cancelled";
  if (request.follow && !over) return follow_on(context, **client, logs->view(), request.id);
  if ((*logs)["parts"].size() == 0) {
    const bool live = (*logs)["live"].boolean();
    warn(context, "task " + request.id +
                      (live ? " has written nothing that this daemon saw; it may be at work elsewhere"
                            : " has left no output"));
  }
  return Exit::ok;
}

}  // namespace

void add_task_logs(Command group) {
  const auto request = std::make_shared<TaskLogsRequest>();
  group.add("logs", "Show what a task writes")
      .argument("ID", request->id, "of the task", true, check_task_id)
      .flag("-f,--follow", request->follow, "go on until the task is over, or Ctrl-C")
      .flag("--json", request->json, "print JSON")
      .excludes("--follow", {"--json"})
      .examples({"fairlead task logs 42", "fairlead task logs --follow 42"})
      .runs([request](Context& context) { return run_logs(context, *request); });
}

}  // namespace fairlead::cli
