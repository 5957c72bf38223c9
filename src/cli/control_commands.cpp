// reload, log-level, version: what concerns the daemon as a whole.
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"

namespace fairlead::cli {

namespace {

constexpr const char* kGroup = "Daemon";
constexpr std::size_t kLongestProblem = 4096;

// "added a, b" for one part of the plan; nothing when it is empty.
std::string part_text(base::JsonView report, const char* key) {
  std::string names;
  for (const auto name : report[key].items())
    names += (names.empty() ? " " : ", ") + base::printable(name.text(), 64);
  return names.empty() ? names : std::string("; ") + key + names;
}

std::string reload_text(base::JsonView report) {
  std::string text = "generation " + std::to_string(report["generation"].integer());
  for (const char* key : {"added", "changed", "removed"}) text += part_text(report, key);
  return text + "; " + std::to_string(report["unchanged"].size()) + " unchanged";
}

// A configuration that was refused: each problem, "file:line:column: message (fix)", on its line of stderr.
Exit refused(Context& context, const Reply& reply, bool json) {
  auto error = error_of(reply);
  auto problems = base::Json::array();
  for (const auto problem : reply.body["errors"].items()) {
    context.err << base::printable(problem.text(), kLongestProblem) << '\n';
    problems.push(problem.text());
  }
  if (problems.view().size() > 0)
    error.message = "nothing was changed: mend the configuration and reload again";
  complain(context, error.text());
  if (json) {
    auto body = error_json(error);
    body.set("errors", std::move(problems));
    auto document = base::Json::object();
    document.set("error", std::move(body));
    print_json(context, document.view());
  }
  return exit_of(error.code);
}

Exit reload(Context& context, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  const auto reply = (*client)->exchange("POST", "/v1/reload");
  if (!reply) return fail(context, reply.error(), json);
  if (reply->status < 200 || reply->status >= 300) return refused(context, *reply, json);
  if (json)
    print_json(context, reply->body.view());
  else
    context.out << reload_text(reply->body.view()) << '\n' << std::flush;
  return Exit::ok;
}

Exit log_level(Context& context, const std::string& level, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  auto wanted = base::Json::object();
  wanted.set("level", level);
  const auto answer =
      level.empty() ? (*client)->get("/v1/log-level") : (*client)->ask("PUT", "/v1/log-level", wanted.dump());
  if (!answer) return fail(context, answer.error(), json);
  if (json)
    print_json(context, answer->view());
  else
    context.out << base::printable((*answer)["level"].text()) << '\n' << std::flush;
  return Exit::ok;
}

// Ours is known without a daemon, so one that is not there is no failure here.
Exit version(Context& context, bool json) {
  auto client = DaemonClient::open(context);
  auto answer = client ? (*client)->get("/v1/version") : base::Result<base::Json>(client.error());
  if (json) {
    auto body = base::Json::object();
    auto client_version = base::Json::object();
    client_version.set("version", FAIRLEAD_VERSION);
    body.set("client", std::move(client_version));
    body.set("daemon", answer ? std::move(*answer) : base::Json());
    print_json(context, body.view());
    return Exit::ok;
  }
  context.out << "fairlead " << FAIRLEAD_VERSION << '\n';
  if (answer)
    context.out << "daemon " << base::printable((*answer)["version"].text()) << " (pid "
                << (*answer)["pid"].integer() << ", API " << (*answer)["api"].integer() << ")\n";
  else
    context.out << "daemon: " << base::printable(answer.error().text()) << '\n';
  context.out.flush();
  return Exit::ok;
}

}  // namespace

void add_control_commands(Command program) {
  const auto json = std::make_shared<bool>(false);
  const auto level = std::make_shared<std::string>();
  program.add("reload", "Read the configuration again; a bad file changes nothing", kGroup)
      .flag("--json", *json, "print JSON")
      .runs([json](Context& context) { return reload(context, *json); });
  program.add("log-level", "Show the daemon's log level, or change it until it ends", kGroup)
      .choice("LEVEL", *level, {"error", "warn", "info", "debug"}, "", "error, warn, info or debug")
      .flag("--json", *json, "print JSON")
      .runs([json, level](Context& context) { return log_level(context, *level, *json); });
  program.add("version", "Show the version of this program and of the daemon", kGroup)
      .flag("--json", *json, "print JSON")
      .runs([json](Context& context) { return version(context, *json); });
}

}  // namespace fairlead::cli
