// queue: stats, pause, resume.
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/queue_text.hpp"
#include "cli/report.hpp"
#include "cli/task_commands.hpp"

namespace fairlead::cli {

namespace {

struct PauseRequest {
  std::string kind, site, for_time, until, why;
  bool json = false;
};

base::Json scope_body(const PauseRequest& request) {
  auto body = base::Json::object();
  const bool all = request.kind.empty() && request.site.empty();
  body.set("scope", all ? "all" : request.site.empty() ? "kind" : "site");
  if (!all) body.set("name", request.site.empty() ? request.kind : request.site);
  return body;
}

Exit queue_stats(Context& context, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  const auto queue = (*client)->get("/v1/queue");
  if (!queue) return fail(context, queue.error(), json);
  if (json)
    print_json(context, queue->view());
  else
    context.out << render_queue(queue->view(), base::wall_now(), context.terminal.color_out) << std::flush;
  const auto error = (*queue)["error"].text();
  if (error.empty()) return Exit::ok;
  complain(context, error);
  return Exit::failure;
}

Exit pause_queue(Context& context, const PauseRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  auto body = scope_body(request);
  if (!request.for_time.empty()) body.set("for", request.for_time);
  if (!request.until.empty()) body.set("until", request.until);
  if (!request.why.empty()) body.set("why", request.why);
  const auto pause = (*client)->ask("POST", "/v1/queue/pause", body.dump());
  if (!pause) return fail(context, pause.error(), request.json);
  if (request.json) return print_json(context, pause->view()), Exit::ok;
  const auto until = (*pause)["until"];
  context.out << scope_text(pause->view()) << ": paused until "
              << (until.is_string() ? base::printable(until.text(), 64) : "it is resumed")
              << "; what runs goes on\n"
              << std::flush;
  return Exit::ok;
}

Exit resume_queue(Context& context, const PauseRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  const auto answer = (*client)->ask("POST", "/v1/queue/resume", scope_body(request).dump());
  if (!answer) return fail(context, answer.error(), request.json);
  if (request.json) return print_json(context, answer->view()), Exit::ok;
  context.out << scope_text(answer->view()) << ": goes on\n" << std::flush;
  return Exit::ok;
}

Command add_scoped(Command& group, const std::string& name, const std::string& description,
                   PauseRequest& request) {
  auto command = group.add(name, description);
  command.option("--kind", request.kind, "KIND", "tasks of that kind; without it and --site, everything")
      .option("--site", request.site, "SITE", "tasks for that site")
      .flag("--json", request.json, "print JSON")
      .excludes("--kind", {"--site"});
  return command;
}

}  // namespace

void add_queue_commands(Command program) {
  auto group = program.add("queue", "Look at the queue as a whole, pause it and let it go on", "Queue");
  const auto json = std::make_shared<bool>(false);
  group.add("stats", "Show what waits and runs, since when, what is paused, and how the store is")
      .flag("--json", *json, "print JSON")
      .examples({"fairlead queue stats"})
      .runs([json](Context& context) { return queue_stats(context, *json); });
  const auto pause = std::make_shared<PauseRequest>();
  add_scoped(group, "pause", "Let no more tasks be started; those at work go on", *pause)
      .option("--for", pause->for_time, "TIME", "as long, such as 2h; else until it is resumed",
              check_duration)
      .option("--until", pause->until, "TIME", "until then, such as 2026-03-01T22:00:00Z")
      .option("--why", pause->why, "TEXT", "shown to whoever wonders")
      .excludes("--for", {"--until"})
      .examples({"fairlead queue pause --for 2h --why \"the disk is swapped\"",
                 "fairlead queue pause --site attic"})
      .runs([pause](Context& context) { return pause_queue(context, *pause); });
  const auto resume = std::make_shared<PauseRequest>();
  add_scoped(group, "resume", "Let tasks be started again; ends the pause of the same scope", *resume)
      .examples({"fairlead queue resume", "fairlead queue resume --site attic"})
      .runs([resume](Context& context) { return resume_queue(context, *resume); });
}

}  // namespace fairlead::cli
