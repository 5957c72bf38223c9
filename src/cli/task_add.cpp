// task add: makes envelopes of what was typed or of a file, hands them to the daemon, and waits when asked
// to.
#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"
#include "cli/task_commands.hpp"
#include "cli/task_envelopes.hpp"
#include "cli/task_outcome.hpp"

namespace fairlead::cli {

namespace {

using base::Json;
using base::JsonView;
using base::Result;

// Below the daemon's 1000 envelopes and 1 MiB.
constexpr std::size_t kMostInOne = 1000;
constexpr std::size_t kBytesInOne = 900u << 10;

struct AddRequest {
  EnvelopeOptions envelope;
  std::string file;
  std::optional<base::Millis> wait_at_most;
  bool wait = false;
  bool follow = false;
  bool json = false;
};

// What came of the envelopes: the tasks' answers in order, and where their events go on from.
struct Added {
  std::vector<Json> tasks;
  std::string last_event_id;
  std::optional<base::Error> error;  // the rest was not handed over, or nothing was
  Json faults = Json::array();
};

std::string count_of(std::size_t number) {
  return std::to_string(number) + (number == 1 ? " task" : " tasks");
}

void add_one(DaemonClient& client, const Json& envelope, Added& added) {
  auto reply = client.exchange("POST", "/v1/tasks", envelope.dump());
  if (!reply) {
    added.error = reply.error();
    return;
  }
  if (reply->status != 200 && reply->status != 201) {
    added.error = error_of(*reply);
    if (reply->body["errors"].exists()) added.faults = Json::copy(reply->body["errors"]);
    return;
  }
  added.last_event_id = std::to_string(reply->body["last_event_id"].integer());
  added.tasks.push_back(std::move(reply->body));
}

bool send_batch(DaemonClient& client, const std::string& body, Added& added) {
  auto answer = client.ask("POST", "/v1/tasks", body);
  if (!answer) {
    added.error = answer.error();
    return false;
  }
  if (added.last_event_id.empty()) added.last_event_id = std::to_string((*answer)["last_event_id"].integer());
  for (const auto task : (*answer)["tasks"].items()) added.tasks.push_back(Json::copy(task));
  return true;
}

void add_many(DaemonClient& client, const std::vector<Json>& envelopes, Added& added) {
  std::string body;
  std::size_t count = 0;
  for (const auto& envelope : envelopes) {
    const auto text = envelope.dump();
    if (count == kMostInOne || (count > 0 && body.size() + text.size() > kBytesInOne)) {
      if (!send_batch(client, body + "]", added)) return;
      count = 0;
    }
    if (count++ == 0) body.clear();
    body.append(body.empty() ? "[" : ",").append(text);
  }
  if (count > 0) (void)send_batch(client, body + "]", added);
}

Result<std::vector<Json>> envelopes_of(const AddRequest& request) {
  if (!request.file.empty()) {
    if (!request.envelope.kind.empty())
      return base::Error{base::Code::bad_request, "--file says what there is to do: leave the kind out", {}};
    const auto text = read_source(request.file, std::cin);
    if (!text) return text.error();
    return read_envelopes(*text, request.file == "-" ? "standard input" : request.file);
  }
  if (request.envelope.kind.empty())
    return base::Error{base::Code::bad_request, "what kind of task? See: fairlead task add --help", {}};
  auto envelope = make_envelope(request.envelope, std::cin, base::wall_now());
  if (!envelope) return envelope.error();
  std::vector<Json> one;
  one.push_back(std::move(*envelope));
  return one;
}

// --- reporting

std::string added_text(JsonView task) {
  std::string text = "task " + std::to_string(task["id"].integer());
  if (task["existed"].boolean()) text += " exists already";
  return text + ": " + outcome_text(task);
}

// A refusal: its faults on a line each, then what that means.
Exit refused(Context& context, const Added& added, bool json) {
  auto error = *added.error;
  const auto faults = added.faults.view();
  for (const auto fault : faults.items()) context.err << base::printable(fault.text(), 4096) << '\n';
  if (faults.size() > 0) error.message = "the task was not added: mend what is named above, and add it again";
  complain(context, error.text());
  if (json) {
    auto body = error_json(error), document = Json::object();
    if (faults.size() > 0) body.set("errors", Json::copy(faults));
    document.set("error", std::move(body));
    print_json(context, document.view());
  }
  return exit_of(error.code);
}

// Each that was refused, by its place in the file.
std::size_t tell_refusals(Context& context, const Added& added) {
  std::size_t refused = 0;
  for (std::size_t i = 0; i < added.tasks.size(); ++i) {
    const auto error = added.tasks[i]["error"];
    if (!error.exists()) continue;
    ++refused;
    const auto place = "envelope " + std::to_string(i + 1) + ": ";
    const auto faults = error["errors"].items();
    if (faults.empty()) complain(context, place + std::string(error["message"].text()));
    for (const auto fault : faults) complain(context, place + std::string(fault.text()));
  }
  return refused;
}

Json document_of(const Added& added) {
  Json tasks = Json::array(), document = Json::object();
  for (const auto& task : added.tasks) tasks.push(Json::copy(task.view()));
  document.set("tasks", std::move(tasks));
  if (added.error) document.set("error", error_json(*added.error));
  return document;
}

Exit report_many(Context& context, const Added& added, std::size_t given, bool json, bool quiet) {
  const auto refusals = tell_refusals(context, added);
  std::size_t existed = 0;
  for (const auto& task : added.tasks) existed += task["existed"].boolean() ? 1 : 0;
  if (!json && !quiet)
    for (const auto& task : added.tasks)
      if (task["id"].is_number()) context.out << added_text(task.view()) << '\n';
  context.out.flush();
  if (added.error)
    complain(context, count_of(given - added.tasks.size()) +
                          " at the end of the file not added: " + added.error->text());
  context.err << count_of(added.tasks.size() - existed - refusals) << " added, " << existed
              << " existed already, " << refusals << " refused\n"
              << std::flush;
  if (json && !quiet) print_json(context, document_of(added).view());
  if (added.error) return exit_of(added.error->code);
  return refusals > 0 ? Exit::failure : Exit::ok;
}

Exit wait_for_added(Context& context, DaemonClient& client, const AddRequest& request, const Added& added,
                    bool framed, Exit before) {
  std::vector<std::int64_t> ids;
  for (const auto& task : added.tasks) {
    const auto id = task["id"].integer();  // 0: refused; two envelopes with one key are one task
    if (id > 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  TaskWaitOptions options{request.wait_at_most, request.follow, added.last_event_id};
  auto ends = wait_for_tasks(context, client, ids, options);
  if (!request.follow) return report_ends(context, ends, request.json, framed, before);
  // Its output is all that belongs on stdout.
  const auto& end = ends.front();
  if (end.error) complain(context, end.error->text());
  if (!end.error && end.exit != Exit::ok)
    complain(context, "task " + std::to_string(end.id) + ": " + outcome_text(end.task.view()));
  return end.exit;
}

Exit run(Context& context, const AddRequest& request) {
  const auto envelopes = envelopes_of(request);
  if (!envelopes) {
    (void)fail(context, envelopes.error(), request.json);
    return envelopes.error().code == base::Code::bad_request ? Exit::usage : Exit::failure;
  }
  if (request.follow && envelopes->size() > 1)
    return fail(context, {base::Code::bad_request, "--follow is for one task: use --wait for many", {}},
                request.json);
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  Added added;
  const bool many = !request.file.empty();
  const bool waits = request.wait || request.follow;
  if (envelopes->size() == 1)
    add_one(**client, envelopes->front(), added);
  else
    add_many(**client, *envelopes, added);
  if (added.tasks.empty()) return refused(context, added, request.json);
  if (!many || envelopes->size() == 1) {
    if (!waits && request.json) return print_json(context, added.tasks.front().view()), Exit::ok;
    if (!waits) context.out << added_text(added.tasks.front().view()) << '\n' << std::flush;
    return waits ? wait_for_added(context, **client, request, added, false, Exit::ok) : Exit::ok;
  }
  const auto exit = report_many(context, added, envelopes->size(), request.json, waits);
  return waits ? wait_for_added(context, **client, request, added, true, exit) : exit;
}

void add_envelope_options(Command& command, EnvelopeOptions& envelope) {
  command.argument("KIND", envelope.kind, "what kind of task: script, noop, … as the workers offer")
      .arguments(
          "WORD", envelope.words,
          "of script the program's name, of run_bash and run_python the text; then, after --, arguments")
      .rest(envelope.words)
      .option("--payload", envelope.payload, "JSON|@FILE|-", "what the task is given; - reads standard input")
      .option("--capability", envelope.capability, "C", "what its worker must offer; else the kind")
      .option("--site", envelope.site, "S", "only a worker of that site takes it")
      .option("--node", envelope.node, "N", "only a worker on that node takes it")
      .options("--lock", envelope.locks, "SCOPE:NAME",
               "of tasks with a common lock one is at work; may be repeated")
      .option("--priority", envelope.priority, "N", "0 to 1000, lower goes first; 100 unless given")
      .option("--at", envelope.at, "TIME", "not before, such as 2026-03-01T22:00:00Z")
      .option("--in", envelope.in, "TIME", "not before that time has passed, such as 10m", check_duration)
      .option("--timeout", envelope.timeout, "TIME", "of one attempt; 10m unless given", check_duration)
      .option("--max-attempts", envelope.max_attempts, "N", "1 to 100; 4 unless given")
      .option("--key", envelope.key, "K", "added once: the same key again finds the task that is there")
      .options("--after", envelope.after, "ID", "only when that task is done; may be repeated", check_task_id)
      .choice("--on-lease-loss", envelope.on_lease_loss, {"stop", "continue"}, "stop|continue",
              "what becomes of it when its worker loses touch; stop unless given");
}

}  // namespace

void add_task_add(Command group) {
  const auto request = std::make_shared<AddRequest>();
  auto command = group.add("add", "Add a task to the queue, or many");
  add_envelope_options(command, request->envelope);
  command
      .option("--file", request->file, "FILE",
              "envelopes instead: one, an array, or one on each line; - reads standard input")
      .flag_or_duration("--wait", request->wait, request->wait_at_most, "TIMEOUT",
                        "until it is over, or for TIMEOUT; ends with the task's exit status")
      .flag("--follow", request->follow, "wait, and show its output meanwhile")
      .flag("--json", request->json, "print JSON")
      .excludes("--at", {"--in"})
      .excludes("--site", {"--node"})
      .excludes("--follow", {"--json"});
  for (const char* option : {"--payload", "--capability", "--site", "--node", "--lock", "--priority", "--at",
                             "--in", "--timeout", "--max-attempts", "--key", "--after", "--on-lease-loss"})
    command.excludes("--file", {option});
  command
      .examples({"fairlead task add script backup -- --full /srv",
                 "fairlead task add script backup --site attic --lock node:nas --key backup-2026-03-01",
                 "fairlead task add run_bash 'df -h /srv' --wait=30s",
                 "echo '{\"days\":30}' | fairlead task add prune --payload - --follow",
                 "fairlead task add --file tasks.jsonl --json"})
      .runs([request](Context& context) { return run(context, *request); });
}

}  // namespace fairlead::cli
