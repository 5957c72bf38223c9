#include "app/offline_commands.hpp"

#include <memory>
#include <utility>

#include "app/offline_config.hpp"
#include "audit/tail.hpp"
#include "audit/verify.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/log_text.hpp"
#include "cli/report.hpp"
#include "config/load.hpp"
#include "config/show.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using cli::Context;
using cli::Exit;

constexpr const char* kGroup = "Offline";
constexpr int kMostLines = 100'000;

Exit check(Context& context, const core::Config& config, bool json) {
  if (json) {
    auto body = Json::object();
    body.set("ok", true).set("file", config.file).set("problems", Json::array());
    cli::print_json(context, body.view());
    return Exit::ok;
  }
  const auto count = config.tunnels.size();
  context.out << "ok: " << base::printable(config.file) << " (" << count
              << (count == 1 ? " tunnel)" : " tunnels)") << '\n'
              << std::flush;
  return Exit::ok;
}

Exit show(Context& context, const core::Config& config, bool json) {
  if (json)
    cli::print_json(context, config::show_json(config).view());
  else
    context.out << config::show_yaml(config) << std::flush;
  return Exit::ok;
}

Exit path(Context& context, const GlobalOptions& globals, bool json) {
  const auto location = config::find_config(globals.config);
  if (!location) return cli::fail(context, location.error(), json);
  if (json) {
    auto body = Json::object();
    body.set("file", location->file).set("mode", location->system_mode ? "system" : "user");
    cli::print_json(context, body.view());
  } else {
    context.out << base::printable(location->file) << '\n' << std::flush;
  }
  return Exit::ok;
}

std::string audit_folder(const core::Config& config) {
  return base::join_path(config.state_dir, "audit");
}

base::Error no_audit(base::Error error, const std::string& folder) {
  if (error.code == base::Code::not_found)
    error = {base::Code::not_found, "no audit log in " + folder + ": no daemon has written there yet", {}};
  return error;
}

struct VerifyRequest {
  std::string head;
  bool json = false;
};

Exit verify(Context& context, const core::Config& config, const VerifyRequest& request) {
  const auto folder = audit_folder(config);
  if (!base::exists(folder))
    return cli::fail(context, no_audit({base::Code::not_found, {}, {}}, folder), request.json);
  std::optional<audit::Position> expected;
  if (!request.head.empty()) {
    auto position = audit::parse_position(request.head);
    if (!position)
      return cli::fail(context, position.error(), request.json);  // the parser has refused it before
    expected = std::move(*position);
  }
  const auto report = audit::verify(folder, expected);
  if (request.json) {
    auto body = audit::to_json(report);
    const base::Error broken{base::Code::protocol, "the audit log in " + folder + " is not whole", {}};
    if (!report.ok) body.set("error", cli::error_json(broken));
    cli::print_json(context, body.view());
  } else {
    context.out << audit::to_text(report) << std::flush;
  }
  if (!report.ok)
    cli::complain(context,
                  "the audit log in " + folder + " is not whole: keep a copy of the folder and look into it");
  return report.ok ? Exit::ok : Exit::failure;
}

struct ShowRequest {
  std::string name;
  int lines = 50;
  bool json = false;
};

void print_entry(Context& context, base::JsonView entry) {
  const bool color = context.terminal.color_out;
  const auto text = [&](const char* key) { return base::printable(entry[key].text()); };
  context.out << cli::paint(text("time"), cli::Style::faint, color) << ' ' << entry["seq"].integer() << ' '
              << cli::paint(text("event"), cli::Style::strong, color);
  for (const char* key : {"tunnel", "actor", "detail"})
    if (!entry[key].text().empty()) context.out << ' ' << cli::key_value(key, entry[key]);
  context.out << '\n';
}

Exit show_audit(Context& context, const core::Config& config, const ShowRequest& request) {
  const auto folder = audit_folder(config);
  const auto tailed = audit::tail(folder, static_cast<std::size_t>(request.lines), request.name);
  if (!tailed) return cli::fail(context, no_audit(tailed.error(), folder), request.json);
  for (const auto& entry : tailed->entries) {
    if (request.json)
      context.out << entry.dump() << '\n';
    else
      print_entry(context, entry.view());
  }
  context.out.flush();
  if (tailed->unreadable > 0)
    cli::warn(context, std::to_string(tailed->unreadable) +
                           " damaged lines were passed over: run `fairlead audit verify`");
  return Exit::ok;
}

std::string check_head(const std::string& text) {
  const auto position = audit::parse_position(text);
  return position ? "" : position.error().message;
}

}  // namespace

void add_config_commands(cli::Command program, const GlobalOptions& globals) {
  auto group = program.add("config", "Check and show the configuration, without a daemon", kGroup);
  const auto json = std::make_shared<bool>(false);
  const auto add = [&](const char* name, const char* description, cli::Run run) {
    group.add(name, description).flag("--json", *json, "print JSON").runs(std::move(run));
  };
  add("check", "Print \"ok\", or every error with its line and its fix", [&globals, json](Context& context) {
    return with_config(context, globals, *json,
                       [&](const core::Config& config) { return check(context, config, *json); });
  });
  add("show", "Print the effective configuration, defaults filled in, secrets masked",
      [&globals, json](Context& context) {
        return with_config(context, globals, *json,
                           [&](const core::Config& config) { return show(context, config, *json); });
      });
  add("path", "Print which file is used",
      [&globals, json](Context& context) { return path(context, globals, *json); });
}

void add_audit_commands(cli::Command program, const GlobalOptions& globals) {
  auto group = program.add("audit", "Check and show the audit log, without a daemon", kGroup);
  const auto request = std::make_shared<VerifyRequest>();
  group.add("verify", "Look for changed, missing or cut lines")
      .option("--head", request->head, "SEQ:HASH", "a head kept elsewhere, which must be in the log",
              check_head)
      .flag("--json", request->json, "print JSON (fairlead.audit_verify/1)")
      .runs([&globals, request](Context& context) {
        return with_config(context, globals, request->json,
                           [&](const core::Config& config) { return verify(context, config, *request); });
      });

  const auto shown = std::make_shared<ShowRequest>();
  group.add("show", "Show the last lines")
      .argument("NAME", shown->name, "only lines about this tunnel")
      .number("-n,--lines", shown->lines, 0, kMostLines, "N", "how many of the last lines, 50 unless given")
      .flag("--json", shown->json, "one JSON object a line, as they stand in the log")
      .runs([&globals, shown](Context& context) {
        return with_config(context, globals, shown->json,
                           [&](const core::Config& config) { return show_audit(context, config, *shown); });
      });
}

}  // namespace fairlead::app
