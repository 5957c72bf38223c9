// up, down, restart, reconnect: ask the daemon for each tunnel named, report each, end with the worst code.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"
#include "cli/status_text.hpp"
#include "cli/wait.hpp"

namespace fairlead::cli {

namespace {

struct TunnelRequest {
  std::string verb;  // as in the path: "up"
  std::vector<std::string> names;
  bool json = false;
  std::optional<base::Millis> wait;
  bool require_proof = false;
};

struct Outcome {
  std::string name;
  Exit exit = Exit::ok;
  std::optional<base::Error> error;  // also for `already`
  std::string warning;
  base::Json tunnel;  // null: not known
};

// Everything, when nothing is named; each name once.
std::vector<std::string> chosen_names(const TunnelRequest& request, const std::vector<std::string>& known) {
  if (request.names.empty()) return known;
  std::vector<std::string> names;
  for (const auto& name : request.names)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

base::Error named(const std::string& name, base::Error error) {
  if (error.message.find(name) == std::string::npos) error.message = name + ": " + error.message;
  return error;
}

Outcome ask_for(DaemonClient& client, const TunnelRequest& request, const std::string& name,
                base::JsonView status) {
  Outcome outcome;
  outcome.name = name;
  const auto before = find_tunnel(status, name);
  auto answer = before.exists()
                    ? client.ask("POST", "/v1/tunnels/" + escape_segment(name) + "/" + request.verb)
                    : base::Result<base::Json>(no_such_tunnel(name, tunnel_names(status)));
  if (answer) {
    outcome.tunnel = std::move(*answer);
    return outcome;
  }
  outcome.error = named(name, answer.error());
  outcome.exit = exit_of(outcome.error->code);
  return outcome;
}

// Why a wait did not end well, for machines.
base::Code code_of(Verdict verdict) {
  if (verdict == Verdict::waiting) return base::Code::timed_out;
  return verdict == Verdict::unproven ? base::Code::unsupported : base::Code::unavailable;
}

// Those that are up or coming up. Who waits wants them connected: one that was so before is as good.
base::Result<> wait_for(Context& context, DaemonClient& client, const WaitOptions& options,
                        std::vector<Outcome>& outcomes) {
  std::vector<std::string> names;
  for (const auto& outcome : outcomes)
    if (outcome.exit == Exit::ok || outcome.exit == Exit::already) names.push_back(outcome.name);
  if (names.empty()) return base::success();
  auto waited = wait_until_proven(context, client, names, options);
  if (!waited) return waited.error();
  for (auto& outcome : outcomes) {
    const auto found = waited->find(outcome.name);
    if (found == waited->end()) continue;
    auto& [exit, message, tunnel] = found->second;
    outcome.tunnel = std::move(tunnel);
    if (exit == Exit::ok) {
      outcome.warning = std::move(message);
      outcome.error.reset();
    } else {
      outcome.error = base::Error{code_of(judge(outcome.tunnel.view())), std::move(message), {}};
    }
    outcome.exit = exit;
  }
  return base::success();
}

std::string outcome_line(const Outcome& outcome) {
  const auto tunnel = outcome.tunnel.view();
  auto line = base::printable(outcome.name, 64) + ": " + state_text(tunnel);
  if (tunnel["state"].text() == "connected" && !is_unproven(tunnel))
    line += " (proven by " + base::printable(tunnel["proof"].text(), 64) + ")";
  return line;
}

void print_outcomes(Context& context, const std::vector<Outcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    if (outcome.exit == Exit::ok) context.out << outcome_line(outcome) << '\n' << std::flush;
    if (outcome.error) complain(context, outcome.error->text());
    if (!outcome.warning.empty()) warn(context, outcome.warning);
  }
}

void print_outcomes_json(Context& context, std::vector<Outcome>& outcomes) {
  auto results = base::Json::array();
  const base::Error* first_error = nullptr;
  for (auto& outcome : outcomes) {
    auto result = base::Json::object();
    const bool already = outcome.exit == Exit::already;
    result.set("name", outcome.name);
    result.set("outcome", outcome.exit == Exit::ok ? "done" : already ? "already" : "failed");
    if (outcome.error) result.set("error", error_json(*outcome.error));
    if (!outcome.warning.empty()) result.set("warning", outcome.warning);
    result.set("tunnel", std::move(outcome.tunnel));
    results.push(std::move(result));
    const bool worse = first_error != nullptr && first_error->code == base::Code::already && !already;
    if (outcome.error && (first_error == nullptr || worse)) first_error = &*outcome.error;
  }
  auto body = base::Json::object();
  body.set("results", std::move(results));
  if (first_error != nullptr) body.set("error", error_json(*first_error));
  print_json(context, body.view());
}

Exit run(Context& context, const TunnelRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json);
  const WaitOptions wait{request.wait.value_or(base::Millis(0)), request.require_proof};
  const auto status =
      request.wait ? status_once_there(context, **client, wait) : (*client)->get("/v1/status");
  if (!status) return fail(context, status.error(), request.json);
  const auto names = chosen_names(request, tunnel_names(status->view()));
  if (names.empty()) {
    const std::string file((*status)["daemon"]["config_file"].text());
    return fail(context,
                {base::Code::not_found,
                 "no tunnels are configured: add one to " + file + ", then run `fairlead reload`",
                 {}},
                request.json);
  }
  std::vector<Outcome> outcomes;
  outcomes.reserve(names.size());
  for (const auto& name : names) outcomes.push_back(ask_for(**client, request, name, status->view()));
  if (request.wait)
    if (const auto waited = wait_for(context, **client, wait, outcomes); !waited)
      return fail(context, waited.error(), request.json);
  std::vector<Exit> exits;
  exits.reserve(outcomes.size());
  for (const auto& outcome : outcomes) exits.push_back(outcome.exit);
  print_outcomes(context, outcomes);
  if (request.json) print_outcomes_json(context, outcomes);
  return fold(exits);
}

Command add_verb(Command& program, const std::string& verb, const std::string& description,
                 const std::shared_ptr<TunnelRequest>& request) {
  auto command = program.add(verb, description, "Tunnels");
  request->verb = verb;
  command.arguments("NAME", request->names, "tunnels; none: every tunnel of the configuration");
  command.flag("--json", request->json, "print the outcome of each tunnel as JSON");
  command.runs([request](Context& context) { return run(context, *request); });
  return command;
}

}  // namespace

void add_tunnel_commands(Command program) {
  const auto up = std::make_shared<TunnelRequest>();
  add_verb(program, "up", "Bring tunnels up; they stay up across restarts", up)
      .duration("--wait", up->wait, "60s", "TIMEOUT",
                "wait for the daemon, and until data is proven to cross; 60s at most unless TIMEOUT is given")
      .flag("--require-proof", up->require_proof, "with --wait: fail where the server forbids the proof")
      .needs("--require-proof", "--wait");
  add_verb(program, "down", "Take tunnels down; they stay down across restarts",
           std::make_shared<TunnelRequest>());
  add_verb(program, "restart", "Take tunnels down and up again", std::make_shared<TunnelRequest>());
  add_verb(program, "reconnect", "Drop the SSH sessions and connect at once, without waiting for the backoff",
           std::make_shared<TunnelRequest>());
}

}  // namespace fairlead::cli
