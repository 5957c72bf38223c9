// worker: list, show, drain.
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/queue_text.hpp"
#include "cli/report.hpp"

namespace fairlead::cli {

namespace {

struct WorkerRequest {
  std::string name;
  bool undo = false;
  bool json = false;
};

base::JsonView find_worker(base::JsonView workers, std::string_view name) {
  for (const auto worker : workers["workers"].items())
    if (worker["name"].text() == name) return worker;
  return {};
}

base::Error no_such_worker(const std::string& name, base::JsonView workers) {
  std::vector<std::string_view> names;
  for (const auto worker : workers["workers"].items()) names.push_back(worker["name"].text());
  std::string message = "no worker named `" + base::printable(name, 64) + "`";
  if (const auto near = base::nearest(name, names); !near.empty())
    message += "; did you mean `" + base::printable(near, 64) + "`?";
  else
    message += names.empty() ? "; none has registered yet" : "; see `fairlead worker list`";
  return {base::Code::not_found, std::move(message), {}};
}

Exit list_workers(Context& context, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  const auto workers = (*client)->get("/v1/workers");
  if (!workers) return fail(context, workers.error(), json);
  if (json)
    print_json(context, workers->view());
  else if ((*workers)["workers"].size() > 0)
    context.out << render_workers(workers->view(), context.terminal.color_out) << std::flush;
  else
    context.out
        << "no worker has registered yet: a daemon with a section `worker` in its configuration does\n"
        << std::flush;
  return Exit::ok;
}

Exit show_worker(Context& context, const WorkerRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  const auto workers = (*client)->get("/v1/workers");
  if (!workers) return fail(context, workers.error(), request.json);
  const auto worker = find_worker(workers->view(), request.name);
  if (!worker.exists()) return fail(context, no_such_worker(request.name, workers->view()), request.json);
  auto tasks = (*client)->get("/v1/tasks?state=claimed,running&worker=" + escape_segment(request.name));
  if (!tasks) return fail(context, tasks.error(), request.json);
  if (request.json) {
    auto document = base::Json::copy(worker);
    print_json(context, document.set("tasks", base::Json::copy((*tasks)["tasks"])).view());
  } else {
    context.out << render_worker(worker, tasks->view(), base::wall_now(), context.terminal.color_out)
                << std::flush;
  }
  return Exit::ok;
}

Exit drain_worker(Context& context, const WorkerRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  auto body = base::Json::object();
  body.set("drain", !request.undo);
  const auto answer =
      (*client)->ask("POST", "/v1/workers/" + escape_segment(request.name) + "/drain", body.dump());
  if (!answer) {
    if (answer.error().code == base::Code::not_found)
      if (const auto workers = (*client)->get("/v1/workers");
          workers && !find_worker(workers->view(), request.name).exists())
        return fail(context, no_such_worker(request.name, workers->view()), request.json);
    return fail(context, answer.error(), request.json);
  }
  if (request.json)
    print_json(context, answer->view());
  else
    context.out << base::printable(request.name, 64)
                << (request.undo ? ": takes tasks again\n"
                                 : ": takes no new tasks; those that it has go on\n")
                << std::flush;
  return Exit::ok;
}

}  // namespace

void add_worker_commands(Command program) {
  auto group = program.add("worker", "Look at the workers that take tasks, and drain them", "Queue");
  const auto json = std::make_shared<bool>(false);
  group.add("list", "Show all workers: whether they are there, and what they take")
      .flag("--json", *json, "print JSON")
      .examples({"fairlead worker list"})
      .runs([json](Context& context) { return list_workers(context, *json); });
  const auto shown = std::make_shared<WorkerRequest>();
  group.add("show", "Show one worker and the tasks that it has")
      .argument("NAME", shown->name, "of the worker", true)
      .flag("--json", shown->json, "print JSON")
      .examples({"fairlead worker show attic"})
      .runs([shown](Context& context) { return show_worker(context, *shown); });
  const auto drained = std::make_shared<WorkerRequest>();
  group.add("drain", "Let a worker take no new tasks; those that it has go on")
      .argument("NAME", drained->name, "of the worker", true)
      .flag("--undo", drained->undo, "let it take tasks again")
      .flag("--json", drained->json, "print JSON")
      .examples({"fairlead worker drain attic", "fairlead worker drain --undo attic"})
      .runs([drained](Context& context) { return drain_worker(context, *drained); });
}

}  // namespace fairlead::cli
