// status: once, or as a live view.
#include <unistd.h>

#include <csignal>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"
#include "cli/status_text.hpp"
#include "loop/signal.hpp"

namespace fairlead::cli {

namespace {

constexpr base::Millis kFastest{100};  // a redraw

struct StatusRequest {
  std::vector<std::string> names;
  bool json = false;
  bool wide = false;
  bool names_only = false;
  std::optional<base::Millis> watch;
};

// The status with the tunnels asked for only, in that order; `unknown` takes the names that are none.
base::Json select(const base::Json& status, const std::vector<std::string>& names,
                  std::vector<base::Error>& unknown) {
  base::Json selected = base::Json::copy(status.view());
  if (names.empty()) return selected;
  auto tunnels = base::Json::array();
  for (const auto& name : names) {
    const auto tunnel = find_tunnel(status.view(), name);
    if (tunnel.exists())
      tunnels.push(base::Json::copy(tunnel));
    else
      unknown.push_back(no_such_tunnel(name, tunnel_names(status.view())));
  }
  selected.set("tunnels", std::move(tunnels));
  return selected;
}

Exit print_names(Context& context, base::JsonView status) {
  for (const auto& name : tunnel_names(status)) context.out << base::printable(name) << '\n';
  context.out.flush();
  return Exit::ok;
}

Exit print_once(Context& context, DaemonClient& client, const StatusRequest& request) {
  const auto status = client.get("/v1/status");
  if (!status) return fail(context, status.error(), request.json);
  if (request.names_only) return print_names(context, status->view());
  std::vector<base::Error> unknown;
  auto selected = select(*status, request.names, unknown);
  if (request.json) {
    if (!unknown.empty()) selected.set("error", error_json(unknown.front()));
    print_json(context, selected.view());
  } else if (selected["tunnels"].size() > 0 || unknown.empty()) {
    context.out << render_status(selected.view(), {context.terminal.color_out, request.wide}) << std::flush;
  }
  for (const auto& error : unknown) complain(context, error.text());
  return unknown.empty() ? Exit::ok : Exit::failure;
}

// A view that is drawn again and again until Ctrl-C. A daemon that goes away meanwhile is said in the view,
// which goes on: it may come back.
class Watch {
 public:
  Watch(Context& context, DaemonClient& client, const StatusRequest& request)
      : context_(context),
        client_(client),
        request_(request),
        live_(context.terminal.out_is_terminal && !request.json),
        interrupt_(client.loop(), "watch_interrupt", SIGINT, [&client] { client.interrupt(); }),
        terminate_(client.loop(), "watch_terminate", SIGTERM, [&client] { client.interrupt(); }),
        resize_(client.loop(), "watch_resize", SIGWINCH, [this] {
          resized_ = true;
          client_.wake();
        }) {}

  Exit run() {
    auto status = client_.get("/v1/status");
    if (!status)
      return client_.interrupted() ? Exit::ok : fail(context_, status.error(), request_.json, false);
    std::optional<HiddenCursor> hidden;
    if (live_) hidden.emplace(context_.out);
    while (!client_.interrupted() && context_.out) {
      show(status);
      client_.pause(std::max(kFastest, *request_.watch));
      status = client_.get("/v1/status");
    }
    return Exit::ok;
  }

 private:
  void show(const base::Result<base::Json>& status) {
    if (!status) return show_error(status.error());
    std::vector<base::Error> unknown;
    auto selected = select(*status, request_.names, unknown);
    if (request_.json) {
      if (!unknown.empty()) selected.set("error", error_json(unknown.front()));
      return print_json(context_, selected.view(), false);
    }
    auto text = render_status(selected.view(), {context_.terminal.color_out, request_.wide});
    for (const auto& error : unknown) text += base::printable(error.text()) + "\n";
    draw(text);
  }

  void show_error(const base::Error& error) {
    if (error.code == base::Code::cancelled) return;
    if (!live_) {
      (void)fail(context_, error, request_.json, false);
      return;
    }
    draw(paint(base::printable(error.text()), Style::bad, context_.terminal.color_out) + "\n");
  }

  void draw(const std::string& text) {
    if (!live_) {
      context_.out << text << '\n' << std::flush;  // a blank line between two pictures
      return;
    }
    if (std::exchange(resized_, false)) context_.out << "\x1b[2J";
    const auto now = base::iso8601(base::wall_now());
    const auto head = paint("fairlead status at " + now.substr(11, 8) + " UTC, every " +
                                base::format_duration(*request_.watch) + "; Ctrl-C ends",
                            Style::faint, context_.terminal.color_out);
    context_.out << redraw(head + "\n\n" + text, terminal_size(STDOUT_FILENO)) << std::flush;
  }

  Context& context_;
  DaemonClient& client_;
  const StatusRequest& request_;
  bool live_;
  bool resized_ = false;
  loop::Signal interrupt_, terminate_, resize_;
};

Exit run(Context& context, const StatusRequest& request) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), request.json, !request.watch);
  if (request.watch) return Watch(context, **client, request).run();
  return print_once(context, **client, request);
}

}  // namespace

void add_status_command(Command program) {
  const auto request = std::make_shared<StatusRequest>();
  auto command = program.add("status", "Show tunnels: state, health, and what is wrong", "Tunnels");
  command.arguments("NAME", request->names, "tunnels; none: every tunnel")
      .flag("--json", request->json, "print the daemon's status object (fairlead.status/1)")
      .duration("--watch", request->watch, "2s", "SECONDS", "draw again every 2s, or SECONDS, until Ctrl-C")
      .flag("--wide", request->wide, "also round trips, reconnects, and each forward's counters")
      .flag("--names", request->names_only, "only the names, one a line, for shells to complete")
      .excludes("--names", {"--json", "--watch", "--wide"})
      .runs([request](Context& context) { return run(context, *request); });
}

}  // namespace fairlead::cli
