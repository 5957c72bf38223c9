// task: list, show, cancel, retry, requeue, wait. `add` and `logs` have files of their own.
#include "cli/task_commands.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"
#include "cli/task_outcome.hpp"
#include "cli/task_text.hpp"

namespace fairlead::cli {

namespace {

using base::Json;

constexpr int kMostListed = 1000;
constexpr std::array<std::string_view, 8> kStates = {"queued", "claimed",   "running",           "done",
                                                     "failed", "cancelled", "awaiting_approval", "all"};

// --- list

struct ListRequest {
  std::string states, kind, worker, waits_for, before;
  int limit = 100;
  bool all = false;
  bool json = false;
};

std::string check_states(const std::string& text) {
  for (const auto word : base::split(text, ',')) {
    if (std::find(kStates.begin(), kStates.end(), word) != kStates.end()) continue;
    const auto near = base::nearest(word, kStates);
    return "`" + base::printable(word, 64) + "` is no state of a task" +
           (near.empty() ? ": queued, claimed, running, done, failed or cancelled"
                         : "; did you mean `" + std::string(near) + "`?");
  }
  return {};
}

std::string list_path(const ListRequest& request) {
  std::string path = "/v1/tasks?limit=" + std::to_string(request.limit);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) path += std::string("&") + key + "=" + escape_segment(value);
  };
  add("state", request.all ? "all" : request.states);
  add("kind", request.kind);
  add("worker", request.worker);
  add("waits_for", request.waits_for);
  add("before", request.before);
  return path;
}

Exit list(Context& context, const ListRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  const auto answer = (*client)->get(list_path(request));
  if (!answer) return fail(context, answer.error(), request.json);
  if (request.json) {
    print_json(context, answer->view());
    return Exit::ok;
  }
  if ((*answer)["tasks"].size() == 0) {
    const bool narrow = request.all || !request.states.empty();
    context.out << (narrow
                        ? "no such tasks\n"
                        : "no such tasks wait or run; `fairlead task list --all` shows finished ones too\n")
                << std::flush;
    return Exit::ok;
  }
  context.out << render_tasks(answer->view(), base::wall_now(), context.terminal.color_out) << std::flush;
  if (const auto next = (*answer)["next_before"]; next.is_number())
    context.err << "there may be older ones: --before " << next.integer() << '\n' << std::flush;
  return Exit::ok;
}

void add_list(Command group) {
  const auto request = std::make_shared<ListRequest>();
  group.add("list", "Show tasks, newest first: those that wait or run, unless told otherwise")
      .option("--state", request->states, "STATES", "such as failed, or queued,running", check_states)
      .option("--kind", request->kind, "KIND", "of that kind")
      .option("--worker", request->worker, "NAME", "that worker has, or had last")
      .choice("--waits-for", request->waits_for, {"nothing", "dependency", "time", "pause", "lock"}, "WHAT",
              "queued ones that wait for nothing, dependency, time, pause or lock")
      .flag("--all", request->all, "finished ones too")
      .number("-n,--limit", request->limit, 1, kMostListed, "N", "as many at most; 100 unless given")
      .option("--before", request->before, "ID", "older than that one", check_task_id)
      .flag("--json", request->json, "print JSON")
      .excludes("--all", {"--state"})
      .examples({"fairlead task list", "fairlead task list --state failed --kind script",
                 "fairlead task list --all --json | jq '.tasks[].id'"})
      .runs([request](Context& context) { return list(context, *request); });
}

// --- show

Exit show(Context& context, const std::string& id, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  const auto task = (*client)->get("/v1/tasks/" + id);
  if (!task) return fail(context, task.error(), json);
  if (json) {
    print_json(context, task->view());
    return Exit::ok;
  }
  // Whether anybody could take it is worth a look only while nobody has.
  Json workers;
  if ((*task)["state"].text() == "queued" && !(*task)["waits_for"].is_string())
    if (auto known = (*client)->get("/v1/workers")) workers = std::move(*known);
  context.out << render_task(task->view(), workers.view(), base::wall_now(), context.terminal.color_out)
              << std::flush;
  return Exit::ok;
}

void add_show(Command group) {
  const auto id = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  group.add("show", "Show one task: how it stands, its result, its timeline, and what to do")
      .argument("ID", *id, "of the task", true, check_task_id)
      .flag("--json", *json, "print JSON")
      .examples({"fairlead task show 42",
                 "fairlead task show 42 --json | jq .envelope | fairlead task add --file -"})
      .runs([id, json](Context& context) { return show(context, *id, *json); });
}

// --- cancel, retry, requeue

struct OrderRequest {
  std::string verb;
  std::vector<std::string> ids;
  bool json = false;
};

std::string order_text(const OrderRequest& request, const std::string& id, base::JsonView answer) {
  if (answer["retry_of"].is_number())
    return "task " + id + " is repeated as task " + std::to_string(answer["id"].integer());
  if (answer["requested"].boolean())
    return "task " + id + ": its worker was asked to " +
           (request.verb == "cancel" ? "stop it" : "hand it back");
  return "task " + id + ": " + base::printable(answer["state"].text(), 64);
}

Exit order(Context& context, const OrderRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  Json results = Json::array();
  std::vector<Exit> exits;
  for (const auto& id : request.ids) {
    auto answer = (*client)->ask("POST", "/v1/tasks/" + id + "/" + request.verb);
    exits.push_back(answer ? Exit::ok : exit_of(answer.error().code));
    Json result = Json::object();
    result.set("task", *base::parse_unsigned(id));
    if (!answer) {
      complain(context,
               about_task(static_cast<std::int64_t>(*base::parse_unsigned(id)), answer.error().text()));
      result.set("error", error_json(answer.error()));
    } else {
      if (!request.json) context.out << order_text(request, id, answer->view()) << '\n' << std::flush;
      for (const auto member : answer->view().items()) result.set(member.key(), Json::copy(member));
    }
    results.push(std::move(result));
  }
  if (request.json) {
    Json document = Json::object();
    print_json(context, document.set("results", std::move(results)).view());
  }
  return fold(exits);
}

void add_order(Command group, const std::string& verb, const std::string& description) {
  const auto request = std::make_shared<OrderRequest>();
  request->verb = verb;
  group.add(verb, description)
      .arguments("ID", request->ids, "of the tasks", true, check_task_id)
      .flag("--json", request->json, "print JSON")
      .examples({"fairlead task " + verb + " 42 43"})
      .runs([request](Context& context) { return order(context, *request); });
}

// --- wait

struct WaitRequest {
  std::vector<std::string> ids;
  std::string timeout;
  bool json = false;
};

Exit wait(Context& context, const WaitRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  std::vector<std::int64_t> ids;
  for (const auto& text : request.ids) {
    const auto id = static_cast<std::int64_t>(*base::parse_unsigned(text));
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  TaskWaitOptions options;
  if (!request.timeout.empty()) options.timeout = base::parse_duration(request.timeout);
  auto ends = wait_for_tasks(context, **client, ids, options);
  return report_ends(context, ends, request.json, true);
}

void add_wait(Command group) {
  const auto request = std::make_shared<WaitRequest>();
  group.add("wait", "Wait until tasks are over; ends with the task's exit status, the highest of several")
      .arguments("ID", request->ids, "of the tasks", true, check_task_id)
      .option("--timeout", request->timeout, "TIME", "no longer, such as 5m; else until they are over",
              check_duration)
      .flag("--json", request->json, "print JSON")
      .examples({"fairlead task wait 42", "fairlead task wait --timeout 10m 42 43 44"})
      .runs([request](Context& context) { return wait(context, *request); });
}

}  // namespace

std::string check_task_id(const std::string& text) {
  constexpr std::uint64_t kMost = 1ULL << 53;
  const auto id = base::parse_unsigned(text);
  return id && *id > 0 && *id <= kMost
             ? ""
             : "`" + base::printable(text, 64) + "` is no id of a task: a number is";
}

std::string check_duration(const std::string& text) {
  return base::parse_duration(text)
             ? ""
             : "`" + base::printable(text, 64) + "` is not a time such as 30s, 10m or 2h";
}

Exit report_ends(Context& context, std::vector<TaskEnd>& ends, bool json, bool framed, Exit before) {
  Json tasks = Json::array();
  for (auto& end : ends) {
    const auto name = "task " + std::to_string(end.id) + ": ";
    if (end.error)
      complain(context, end.error->text());
    else if (!json)
      context.out << name
                  << paint(outcome_text(end.task.view()), outcome_style(end.task.view()),
                           context.terminal.color_out)
                  << '\n'
                  << std::flush;
    Json entry = Json::object();
    entry.set("id", end.id).set("exit", static_cast<int>(end.exit));
    if (end.error) entry.set("error", error_json(*end.error));
    tasks.push(std::move(entry.set("task", std::move(end.task))));
  }
  const auto exit = std::max(before, fold_ends(ends));
  if (!json) return exit;
  if (!framed && ends.size() == 1) return print_json(context, tasks.view().at(0)), exit;
  Json document = Json::object();
  print_json(context, document.set("tasks", std::move(tasks)).set("exit", static_cast<int>(exit)).view());
  return exit;
}

void add_task_commands(Command program) {
  auto group = program.add("task", "Add tasks to the queue, look at them, and steer them", "Queue");
  add_task_add(group);
  add_list(group);
  add_show(group);
  add_task_logs(group);
  add_order(group, "cancel", "Cancel tasks: at once, or by asking the worker that has them");
  add_order(group, "retry", "Run tasks again: a finished one as a new task, a waiting one now");
  add_order(group, "requeue",
            "Have tasks handed back by the worker that has them; the attempt is not counted");
  add_wait(group);
}

}  // namespace fairlead::cli
