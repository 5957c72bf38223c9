// docs/hooks.md, lua/meta/fairlead.lua and lua/luacheck_std.lua are made of the tables in core/events.def and
// core/effects.def and of what the policy process offers to a file. This test keeps them the same;
// FAIRLEAD_UPDATE_DOCS=1 (scripts/generate-hooks) writes them anew instead.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"
#include "core/effects.hpp"
#include "core/events.hpp"
#include "host/lua_state.hpp"

using namespace fairlead;
using core::HookKind;

namespace {

constexpr const char* kMade = "made by scripts/generate-hooks; do not edit";

std::string cell(std::string_view text) {
  std::string safe;
  for (const char letter : text) safe += letter == '|' ? std::string("\\|") : std::string(1, letter);
  return safe;
}

// --- docs/hooks.md

std::string fields_table(std::span<const core::EventField> fields) {
  std::string text = "| field | type | |\n|---|---|---|\n";
  for (const core::EventField& field : fields)
    text += "| `ctx." + std::string(field.path) + "` | " + std::string(to_string(field.type)) +
            (field.nilable ? ", or nil" : "") + " | " + cell(field.meaning) + " |\n";
  return text;
}

std::string event_section(const core::EventInfo& event) {
  const std::string name(event.name);
  std::string text =
      "### " + name + "\n" + std::string(event.asks) + "\n\nKind: " + std::string(to_string(event.kind));
  if (!event.safe_default.empty()) text += ". Without an answer: " + std::string(event.safe_default);
  text += event.wired ? ".\n\n" : ". Declared, and not asked yet by this fairlead.\n\n";
  if (!event.fields.empty()) text += fields_table(event.fields) + "\n";
  if (event.verdicts.empty()) return text;
  text += "| verdict | |\n|---|---|\n";
  for (const core::VerdictForm& form : event.verdicts)
    text += "| `ctx." + std::string(form.method) + "(" + std::string(form.signature) + ")` | " +
            cell(form.meaning) + " |\n";
  return text + "\n";
}

std::string effects_table() {
  std::string text = "| effect | | returns | needs |\n|---|---|---|---|\n";
  for (const core::EffectInfo& effect : core::all_effects()) {
    const bool named = effect.call == core::EffectCall::named;
    std::string arguments, meanings;
    for (const core::EffectArgument& argument : effect.arguments) {
      arguments +=
          (arguments.empty() ? "" : ", ") + std::string(argument.name) + (argument.optional ? "?" : "");
      meanings += "; `" + std::string(argument.name) + "` (" + std::string(to_string(argument.type)) +
                  "): " + std::string(argument.meaning);
    }
    text += "| `flow." + std::string(effect.name) + (named ? "{" : "(") + arguments + (named ? "}" : ")") +
            "` | " + cell(std::string(effect.meaning) + meanings) + " | " + cell(effect.returns) + " | " +
            (effect.allowed_by.empty() ? "" : "`policy.allow." + std::string(effect.allowed_by) + "`") +
            " |\n";
  }
  return text;
}

std::string page() {
  std::string text = "# Events, verdicts and effects\n<!-- " + std::string(kMade) + " -->\n\n";
  text +=
      "What hooks are asked, what stands in `ctx`, what they can answer, and what flows can ask for. "
      "Durations in\n"
      "`ctx` are seconds; where one is given it is a number of seconds or a text such as `\"5m\"`. `?` marks "
      "what may be\n"
      "left out. `fairlead policy new EVENT` prints a hook to begin with.\n\n"
      "- **decide**: the first verdict that is not nil wins, in the order of the files.\n"
      "- **transform**: `function(value, ctx)`; each hook gets what the one before made of it.\n"
      "- **observe**: all are told; nothing is answered.\n"
      "- **flow**: `every(\"5m\", \"name\", function(flow) … end)`; may ask for effects and wait.\n\n";
  text +=
      "## Every ctx\n`ctx.random()` is a number from 0 to below 1, `ctx.random(n)` an integer from 1 to n, "
      "`ctx.random(m, n)` one from m to n.\n\n" +
      fields_table(core::clock_fields()) + "\n## Events\n\n";
  for (const core::EventInfo& event : core::all_events())
    if (event.kind != HookKind::flow) text += event_section(event);
  return text +
         "## Effects of flows\n`flow.clock` is as `ctx.clock`. What is refused or fails returns nil and a "
         "message.\n\n" +
         effects_table();
}

// --- lua/meta/fairlead.lua

std::string lua_type_of(core::FieldType type) {
  switch (type) {
    case core::FieldType::text:
      return "string";
    case core::FieldType::integer:
      return "integer";
    case core::FieldType::boolean:
      return "boolean";
    case core::FieldType::list:
      return "string[]";
    default:
      return "number";
  }
}

std::string lua_type_of(core::ArgumentType type) {
  const std::map<core::ArgumentType, const char*> names = {
      {core::ArgumentType::text, "string"},
      {core::ArgumentType::duration, "fairlead.duration"},
      {core::ArgumentType::integer, "integer"},
      {core::ArgumentType::list, "string[]"},
      {core::ArgumentType::map, "table<string, string>"},
      {core::ArgumentType::any, "any"}};
  return names.at(type);
}

// The classes of a table of fields: `name` itself, and name.group for every group in it.
std::string classes(const std::string& name, std::span<const core::EventField> fields,
                    const std::string& more) {
  std::string own = "---@class " + name + "\n", groups;
  std::set<std::string> seen;
  for (const core::EventField& field : fields) {
    const auto dot = field.path.find('.');
    if (dot == std::string_view::npos) {
      own += "---@field " + std::string(field.path) + " " + lua_type_of(field.type) +
             (field.nilable ? "? " : " ") + std::string(field.meaning) + "\n";
      continue;
    }
    const std::string group(field.path.substr(0, dot));
    if (!seen.insert(group).second) continue;
    groups += "---@class " + name + "." + group + "\n";
    for (const core::EventField& member : fields)
      if (member.path.starts_with(group + "."))
        groups += "---@field " + std::string(member.path.substr(dot + 1)) + " " + lua_type_of(member.type) +
                  (member.nilable ? "? " : " ") + std::string(member.meaning) + "\n";
    groups += "\n";
    own += "---@field " + group + " " + name + "." + group + "\n";
  }
  return groups + own + more + "\n";
}

std::string verdict_field(const core::VerdictForm& form) {
  core::VerdictArgument arguments[core::VerdictForm::kMostArguments];
  const std::size_t count = form.arguments(arguments);
  std::string list;
  for (std::size_t i = 0; i < count; ++i)
    list += (i > 0 ? ", " : "") + std::string(arguments[i].name) + (arguments[i].optional ? "?: " : ": ") +
            (arguments[i].type == core::FieldType::duration ? "fairlead.duration" : "string");
  return "---@field " + std::string(form.method) + " fun(" + list + "): fairlead.verdict " +
         std::string(form.meaning) + "\n";
}

std::string on_field(const core::EventInfo& event) {
  const std::string name(event.name), ctx = "ctx: fairlead.ctx." + name;
  const std::string value = event.event == core::HookEvent::notification ? "fairlead.notice" : "string";
  const std::string parameter = event.event == core::HookEvent::notification ? "notice" : "text";
  std::string hook = "fun(" + ctx + ")";
  if (event.kind == HookKind::decide) hook = "fun(" + ctx + "): fairlead.verdict?";
  if (event.kind == HookKind::transform)
    hook = "fun(" + parameter + ": " + value + ", " + ctx + "): " + value + "?";
  return "---@field " + name + " fun(name: string, hook: " + hook + ") " + std::string(event.asks) + "\n";
}

std::string effect_field(const core::EffectInfo& effect, std::string& classes_of_arguments) {
  std::string list;
  const auto dot = effect.name.find('.');
  const std::string last(effect.name.substr(dot == std::string_view::npos ? 0 : dot + 1));
  if (effect.call == core::EffectCall::named) {
    const std::string type = "fairlead.flow." + last + "_arguments";
    classes_of_arguments += "---@class " + type + "\n";
    for (const core::EffectArgument& argument : effect.arguments)
      classes_of_arguments += "---@field " + std::string(argument.name) + (argument.optional ? "? " : " ") +
                              lua_type_of(argument.type) + " " + std::string(argument.meaning) + "\n";
    classes_of_arguments += "\n";
    list = "arguments: " + type;
  } else {
    for (const core::EffectArgument& argument : effect.arguments)
      list += (list.empty() ? "" : ", ") + std::string(argument.name) + (argument.optional ? "?: " : ": ") +
              lua_type_of(argument.type);
  }
  return "---@field " + last + " fun(" + list + "): any, string? " + std::string(effect.meaning) +
         "; returns " + std::string(effect.returns) + "\n";
}

std::string flow_classes() {
  std::string arguments, own = "---@class fairlead.flow\n---@field clock fairlead.clock\n";
  std::map<std::string, std::string> groups;
  for (const core::EffectInfo& effect : core::all_effects()) {
    const auto dot = effect.name.find('.');
    const std::string field = effect_field(effect, arguments);
    if (dot == std::string_view::npos)
      own += field;
    else
      groups[std::string(effect.name.substr(0, dot))] += field;
  }
  std::string text = arguments;
  for (const auto& [name, fields] : groups) {
    text += "---@class fairlead.flow." + name + "\n" + fields + "\n";
    own += "---@field " + name + " fairlead.flow." + name + "\n";
  }
  return text + own + "\n";
}

// The functions of lua/testkit.lua, each with the comment above it.
std::string kit_functions() {
  const auto kit = base::read_file(FAIRLEAD_SOURCE_ROOT "/lua/testkit.lua");
  assert_true(kit.ok());
  std::string text = "---@class fairlead.kit\nkit = {}\n", comment;
  for (const auto line : base::split(*kit, '\n')) {
    if (line.starts_with("-- ")) {
      comment += "---" + std::string(line.substr(3)) + "\n";
    } else {
      if (line.starts_with("function kit.")) text += "\n" + comment + std::string(line) + " end\n";
      comment.clear();
    }
  }
  return text;
}

std::string meta() {
  std::string text =
      "---@meta\n-- For editors (LuaCATS): what hook files see. " + std::string(kMade) + ".\n\n";
  text +=
      "---@alias fairlead.duration number|string seconds, or a text such as \"5m\"\n\n"
      "---@class fairlead.verdict\n\n"
      "---@class fairlead.notice\n---@field event string\n---@field subject string\n"
      "---@field severity \"info\"|\"low\"|\"high\"|\"critical\"\n---@field title string\n---@field text "
      "string\n"
      "---@field time string\n---@field senders string[]\n\n";
  text += "---@class fairlead.clock\n";
  for (const core::EventField& field : core::clock_fields())
    text += "---@field " + std::string(field.path.substr(sizeof "clock." - 1)) + " " +
            lua_type_of(field.type) + " " + std::string(field.meaning) + "\n";
  text += "\n";
  std::string on = "---@class fairlead.on\n";
  for (const core::EventInfo& event : core::all_events()) {
    if (event.kind == HookKind::flow) continue;
    std::string more =
        "---@field clock fairlead.clock\n---@field random fun(m?: integer, n?: integer): number\n";
    for (const core::VerdictForm& form : event.verdicts) more += verdict_field(form);
    text += classes("fairlead.ctx." + std::string(event.name), event.fields, more);
    on += on_field(event);
  }
  text += flow_classes() + on + "on = {}\n\n";
  text +=
      "---Which hook API the file is written for; the first thing in it.\n---@param version 1\nfunction "
      "api(version) end\n\n"
      "---A flow that runs again and again.\n---@param interval fairlead.duration\n---@param name string\n"
      "---@param flow fun(flow: fairlead.flow)\nfunction every(interval, name, flow) end\n\n"
      "---Switches off the hooks of this name.\n---@param name string\nfunction off(name) end\n\n"
      "---Writes a line to the daemon's log.\nfunction log(...) end\n\n";
  return text + kit_functions();
}

// --- lua/luacheck_std.lua

using Globals = std::map<std::string, std::set<std::string>>;

void add_names(lua_State* state, std::set<std::string>& names) {
  for (lua_pushnil(state); lua_next(state, -2) != 0; lua_pop(state, 1)) names.insert(lua_tostring(state, -2));
}

// Asked of the very environment that a file gets.
Globals globals_of_hooks() {
  host::LuaState lua(8u << 20);
  lua_State* state = lua.get();
  host::push_environment(state);
  Globals globals;
  for (lua_pushnil(state); lua_next(state, -2) != 0; lua_pop(state, 1)) {
    std::set<std::string>& below = globals[lua_tostring(state, -2)];
    if (lua_istable(state, -1)) add_names(state, below);
  }
  for (const char* name : {"api", "every", "log", "off"}) globals[name];
  for (const core::EventInfo& event : core::all_events())
    if (event.kind != HookKind::flow) globals["on"].insert(std::string(event.name));
  return globals;
}

std::string luacheck_std() {
  std::string text = "-- For luacheck: the globals of hook files, and nothing else. " + std::string(kMade) +
                     ".\nreturn {\n  read_globals = {\n";
  for (const auto& [name, below] : globals_of_hooks()) {
    if (below.empty()) {
      text += "    \"" + name + "\",\n";
      continue;
    }
    text += "    " + name + " = {\n      fields = {\n";
    for (const std::string& field : below) text += "        \"" + field + "\",\n";
    text += "      },\n    },\n";
  }
  return text + "  },\n}\n";
}

void holds_or_writes(const char* name, const std::string& fresh) {
  const std::string path = std::string(FAIRLEAD_SOURCE_ROOT "/") + name;
  if (std::getenv("FAIRLEAD_UPDATE_DOCS") != nullptr) {
    assert_true(base::make_directories(base::parent_of(path), 0755).ok());
    assert_true(base::replace_file(path, fresh, 0644).ok());
    return;
  }
  const auto kept = base::read_file(path);
  if (!kept || *kept != fresh) fail_msg("%s is stale: run scripts/generate-hooks", name);
}

}  // namespace

static void the_page_holds_the_tables(void**) {
  holds_or_writes("docs/hooks.md", page());
}

static void editors_are_told_the_same(void**) {
  holds_or_writes("lua/meta/fairlead.lua", meta());
}

static void luacheck_knows_the_globals_of_hooks(void**) {
  const Globals globals = globals_of_hooks();
  assert_true(globals.at("on").contains("reconnect"));
  assert_true(globals.at("string").contains("format"));
  assert_false(globals.at("string").contains("dump"));
  assert_false(globals.contains("io"));
  holds_or_writes("lua/luacheck_std.lua", luacheck_std());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_page_holds_the_tables),
      cmocka_unit_test(editors_are_told_the_same),
      cmocka_unit_test(luacheck_knows_the_globals_of_hooks),
  };
  return cmocka_run_group_tests_name("docs_hooks", tests, nullptr, nullptr);
}
