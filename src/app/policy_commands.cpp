#include "app/policy_commands.hpp"

#include <memory>
#include <utility>

#include "base/text.hpp"
#include "cli/report.hpp"
#include "cli/table.hpp"
#include "core/hook_skeleton.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using cli::Context;
using cli::Exit;

struct FolderRequest {
  std::string folder;
  bool json = false;
};

std::string place_of(const policy::HookInfo& hook) {
  return base::printable(hook.file) + ":" + std::to_string(hook.line);
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// --- check

Json hooks_json(const HookTrial& trial) {
  auto list = Json::array();
  for (const core::EventInfo& event : core::all_events())
    for (const std::size_t number : trial.hooks_of(event.event)) {
      const policy::HookInfo& hook = trial.hooks()[number];
      auto one = Json::object();
      one.set("event", event.name).set("kind", core::to_string(event.kind)).set("name", hook.name);
      one.set("file", hook.file).set("line", hook.line).set("standard", hook.standard);
      one.set("asked", event.wired);
      const bool scheduled = hook.every > base::Millis(0);
      const auto seconds = static_cast<double>(hook.every.count()) / 1000.0;
      one.set("every_seconds", scheduled ? Json(seconds) : Json());
      list.push(std::move(one));
    }
  return list;
}

std::string hooks_table(const HookTrial& trial, bool color) {
  cli::Table table({"EVENT", "NAME", "KIND", "EVERY", "WHERE", "FROM"});
  for (const core::EventInfo& event : core::all_events())
    for (const std::size_t number : trial.hooks_of(event.event)) {
      const policy::HookInfo& hook = trial.hooks()[number];
      table.add({{std::string(event.name)},
                 {hook.name, cli::Style::strong},
                 {std::string(core::to_string(event.kind))},
                 {hook.every.count() > 0 ? base::format_duration(hook.every) : "-"},
                 {place_of(hook)},
                 {hook.standard ? "fairlead" : "you"}});
    }
  return table.render(color);
}

Exit check(Context& context, const PolicyPlace& place, bool json) {
  return with_trial(context, place, json, [&](HookTrial& trial, const policy::Generation::Loaded& loaded) {
    if (json) {
      auto off = Json::array(), warnings = Json::array();
      for (const std::string& name : loaded.switched_off) off.push(name);
      for (const policy::Problem& warning : loaded.warnings)
        warnings.push(std::move(Json::object()
                                    .set("file", warning.file)
                                    .set("line", warning.line)
                                    .set("message", warning.message)));
      auto body = Json::object();
      body.set("schema", "fairlead.policy_check/1").set("ok", true).set("folder", place.settings.folder);
      body.set("files", trial.source().hooks).set("tests", trial.source().tests);
      body.set("hooks", hooks_json(trial)).set("off", std::move(off)).set("warnings", std::move(warnings));
      cli::print_json(context, body.view());
      return Exit::ok;
    }
    if (!trial.hooks().empty()) context.out << hooks_table(trial, context.terminal.color_out);
    for (const std::string& name : loaded.switched_off)
      context.out << "off: " << base::printable(name) << '\n';
    context.out << "ok: " << base::printable(place.settings.folder) << " ("
                << counted(trial.source().hooks, "file") << ", " << counted(trial.source().tests, "file")
                << " of tests)\n"
                << std::flush;
    for (const policy::Problem& warning : loaded.warnings) cli::warn(context, to_string(warning));
    return Exit::ok;
  });
}

// --- test

std::string place_of(base::JsonView one) {
  std::string text(one["file"].text());
  if (one["line"].integer() > 0) text += ":" + std::to_string(one["line"].integer());
  return text;
}

// "file:line: message"; Lua's own messages begin with their place.
std::string placed_message(base::JsonView one) {
  const auto message = one["message"].text();
  const bool placed = message.starts_with(std::string(one["file"].text()) + ":");
  return base::printable((placed ? "" : place_of(one) + ": ") + std::string(message), 4096);
}

void print_results(Context& context, base::JsonView results) {
  const bool color = context.terminal.color_out;
  for (const base::JsonView one : results["tests"].items()) {
    const bool ok = one["ok"].boolean();
    context.out << cli::paint(ok ? "ok" : "failed", ok ? cli::Style::good : cli::Style::bad, color) << ' '
                << base::printable(one["name"].text()) << '\n';
    if (!ok) context.out << "    " << placed_message(one) << '\n';
  }
  for (const base::JsonView one : results["problems"].items()) context.out << placed_message(one) << '\n';
}

Exit test(Context& context, const PolicyPlace& place, bool json) {
  return with_trial(context, place, json, [&](HookTrial& trial, const policy::Generation::Loaded&) {
    const std::string& folder = place.settings.folder;
    const auto none = [&] {
      return cli::fail(context,
                       {base::Code::not_found,
                        "there are no tests in " + folder +
                            "/tests: write one there, such as kit.test(\"name\", function() … end)",
                        {}},
                       json);
    };
    if (trial.source().tests == 0) return none();
    const auto results = trial.run_tests();
    if (!results) return cli::fail(context, results.error(), json);
    const std::size_t count = (*results)["tests"].size(), problems = (*results)["problems"].size();
    std::size_t failed = 0;
    for (const base::JsonView one : (*results)["tests"].items()) failed += one["ok"].boolean() ? 0 : 1;
    if (count + problems == 0) return none();
    const bool ok = failed + problems == 0;
    if (json) {
      Json body = Json::copy(results->view());
      body.set("schema", "fairlead.policy_test/1").set("ok", ok).set("failed", failed);
      cli::print_json(context, body.view());
    } else {
      print_results(context, results->view());
      context.out << counted(count, "test") << ", " << failed << " failed";
      if (problems > 0) context.out << ", " << counted(problems, "file") << " not read to the end";
      context.out << '\n' << std::flush;
    }
    return ok ? Exit::ok : Exit::failure;
  });
}

// --- new

struct NewRequest {
  std::string event, name;
  bool json = false;
};

std::string usual_name(const core::EventInfo& event) {
  std::string name = "my-" + std::string(event.name);
  for (char& letter : name)
    if (letter == '_') letter = '-';
  return name;
}

Exit write_new(Context& context, const NewRequest& request) {
  const core::EventInfo* event = event_named(context, request.event, request.json);
  if (event == nullptr) return Exit::failure;
  const std::string name = request.name.empty() ? usual_name(*event) : request.name;
  const std::string text = core::hook_skeleton(*event, name);
  if (request.json) {
    auto body = Json::object();
    body.set("event", event->name).set("name", name).set("text", text);
    cli::print_json(context, body.view());
  } else {
    context.out << text << std::flush;
  }
  return Exit::ok;
}

std::string check_name(const std::string& name) {
  return core::is_hook_name(name) ? "" : "a name is 1 to 64 letters, digits, dots, dashes and underscores";
}

std::string check_duration(const std::string& text) {
  return base::parse_duration(text) ? "" : "`" + text + "` is not a time such as 12h or 7d";
}

// --- grammar

constexpr const char* kFolder = "the folder of hooks; policy.dir of the configuration unless given";
constexpr const char* kJson = "print JSON";

void add_folder_command(cli::Command group, const GlobalOptions& globals, const char* name,
                        const char* description,
                        Exit (*run)(Context& context, const PolicyPlace& place, bool json)) {
  const auto request = std::make_shared<FolderRequest>();
  group.add(name, description)
      .argument("DIR", request->folder, kFolder)
      .flag("--json", request->json, kJson)
      .runs([&globals, request, run](Context& context) {
        return with_policy_place(
            context, globals, request->folder, request->json, false,
            [&](const PolicyPlace& place) { return run(context, place, request->json); });
      });
}

void add_ask_command(cli::Command group, const GlobalOptions& globals, const char* name,
                     const char* description,
                     Exit (*run)(Context& context, const GlobalOptions& globals, const AskRequest& request)) {
  const auto request = std::make_shared<AskRequest>();
  group.add(name, description)
      .argument("EVENT", request->event, "what the hooks are asked: reconnect, health, …", true)
      .option("--dir", request->folder, "DIR", kFolder)
      .flag("--json", request->json, "print JSON, errors too")
      .runs([&globals, request, run](Context& context) { return run(context, globals, *request); });
}

}  // namespace

const core::EventInfo* event_named(Context& context, const std::string& name, bool json) {
  if (const core::EventInfo* event = core::find_event(name)) return event;
  std::vector<std::string_view> names;
  std::string all;
  for (const core::EventInfo& event : core::all_events()) {
    names.push_back(event.name);
    all += (all.empty() ? "" : ", ") + std::string(event.name);
  }
  const auto near = base::nearest(name, names);
  (void)cli::fail(context,
                  {base::Code::not_found,
                   "there is no event `" + base::printable(name, 64) + "`" +
                       (near.empty() ? "; there are: " + all : "; did you mean `" + std::string(near) + "`?"),
                   {}},
                  json);
  return nullptr;
}

void add_policy_commands(cli::Command program, const GlobalOptions& globals) {
  auto group = program.add("policy", "Check, test and ask hooks, without a daemon (later: shadow, promote)",
                           "Offline");
  add_folder_command(group, globals, "check", "Load the hooks and list them in the order they are asked",
                     check);
  add_folder_command(group, globals, "test", "Run the tests in DIR/tests", test);
  add_ask_command(group, globals, "eval", "Print the verdict on the ctx (JSON) that stdin holds", evaluate);
  add_ask_command(group, globals, "explain", "Print who was asked, who said what, and what becomes of it",
                  explain);
  const auto fresh = std::make_shared<NewRequest>();
  group.add("new", "Print a hook file to begin with, with all that the event offers")
      .argument("EVENT", fresh->event, "what the hook is for: reconnect, health, every, …", true)
      .argument("NAME", fresh->name, "the hook's name; my-EVENT unless given", false, check_name)
      .flag("--json", fresh->json, kJson)
      .runs([fresh](Context& context) { return write_new(context, *fresh); });
  const auto again = std::make_shared<ReplayRequest>();
  group.add("replay", "Ask the journalled decisions again and print where the verdicts differ")
      .argument("DIR", again->folder, kFolder)
      .option("--since", again->since, "TIME", "how far back: 12h, 7d; 7d unless given", check_duration)
      .flag("--json", again->json, kJson)
      .runs([&globals, again](Context& context) { return replay(context, globals, *again); });
}

}  // namespace fairlead::app
