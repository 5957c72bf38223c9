// notify test: sends a test message through one sender, and waits for what comes of it.
#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/report.hpp"

namespace fairlead::cli {

namespace {

Exit test(Context& context, const std::string& name, bool json) {
  auto client = DaemonClient::open(context);
  if (!client) return fail(context, client.error(), json);
  const auto reply = (*client)->exchange("POST", "/v1/notify/" + escape_segment(name) + "/test");
  if (!reply) return fail(context, reply.error(), json);
  if (reply->status < 200 || reply->status >= 300) {
    auto error = error_of(*reply);
    if (error.message.find(name) == std::string::npos) error.message = name + ": " + error.message;
    (void)fail(context, error, json);
    return Exit::failure;  // whatever the code: that of the daemon's absence would mislead
  }
  if (json)
    print_json(context, reply->body.view());
  else
    context.out << base::printable(name, 64) << ": delivered\n" << std::flush;
  return Exit::ok;
}

}  // namespace

void add_notify_commands(Command program) {
  auto group = program.add("notify", "Try the senders of notifications", "Daemon");
  const auto name = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  group.add("test", "Send a test message through one sender, and wait for the outcome")
      .argument("NAME", *name, "a sender of the configuration's `notify.senders`", true)
      .flag("--json", *json, "print JSON")
      .runs([name, json](Context& context) { return test(context, *name, *json); });
}

}  // namespace fairlead::cli
