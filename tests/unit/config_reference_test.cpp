// docs/configuration.md shows the tables of config/schema.cpp word for word, and the tables tell the truth
// about defaults and ranges.
#include <cstdlib>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cmocka.hpp"
#include "config/load.hpp"
#include "config/schema.hpp"
#include "config/show.hpp"

using namespace fairlead;
using namespace fairlead::config;

namespace {

std::string type_cell(const Key& key) {
  switch (key.type) {
    case Type::text:
      return "text";
    case Type::path:
      return "path";
    case Type::boolean:
      return "`true` or `false`";
    case Type::integer:
      return "whole number";
    case Type::duration:
      return "duration";
    case Type::size:
      return "size";
    case Type::endpoint:
      return "[host:]port";
    case Type::identity:
      return "number or name";
    case Type::map:
      return "mapping";
    case Type::list:
      return "list";
    case Type::choice:
      break;
  }
  std::string cell;
  for (const auto choice : base::split(key.choices, '|'))
    cell += (cell.empty() ? "`" : ", `") + std::string(choice) + "`";
  return cell;
}

std::string range_cell(const Key& key) {
  if (key.type == Type::integer) return std::to_string(key.low) + " … " + std::to_string(key.high);
  if (key.type == Type::size)
    return base::exact_bytes(static_cast<std::uint64_t>(key.low)) + " … " +
           base::exact_bytes(static_cast<std::uint64_t>(key.high));
  if (key.type != Type::duration) return "";
  return base::format_duration(base::Millis(key.low)) + " … " + base::format_duration(base::Millis(key.high));
}

std::string table_of(const Section& section) {
  std::string table = "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
  for (const Key& key : section.keys)
    table += "| `" + std::string(key.name) + "` | " + type_cell(key) + " | " + std::string(key.fallback) +
             " | " + range_cell(key) + " | " + std::string(key.meaning) + " |\n";
  return table;
}

// A file in which `line` stands in that section, and everything else is as small as it can be.
std::string file_with(const Section& section, const std::string& line) {
  const std::map<const Section*, std::string> places = {
      {&kFileSection, "@file"},           {&kTunnelSection, "@tunnel"},
      {&kHealthCheckSection, "@check"},   {&kReconnectSection, "@reconnect"},
      {&kKeepaliveSection, "@keepalive"}, {&kActorSection, "@actor"},
      {&kNotifySection, "@notify"},       {&kSenderSection, "@sender"},
      {&kSenderRetrySection, "@retry"},   {&kLogSection, "@log"},
      {&kPolicySection, "@policy"},       {&kDeadlinesSection, "@deadlines"},
      {&kAllowSection, "@allow"},         {&kJournalSection, "@journal"},
      {&kQueueSection, "@queue"},         {&kWorkerSection, "@worker"},
      {&kProgramSection, "@program"},     {&kInlineSection, "@inline"},
      {&kLimitsSection, "@limits"}};
  std::string text =
      "{@file tunnels: {hub: {@tunnel host: h, ssh_user: u, forwards: [{local: 1, to: 2}],\n"
      "health_check: {@check url: 'http://h/'}, reconnect: {@reconnect}, keepalive: {@keepalive}}},\n"
      "notify: {@notify senders: {s: {@sender type: command, argv: [/bin/true], retry: {@retry}}}},\n"
      "policy: {@policy deadlines: {@deadlines}, allow: {@allow}, journal: {@journal}},\n"
      "queue: {@queue}, worker: {@worker}, executors: {run_bash: {@inline}, script: {programs: {p:\n"
      "{@program path: /bin/true, sha256: '" +
      std::string(64, '0') +
      "', limits: {@limits}}}}},\n"
      "actors: {a: {@actor}}, log: {@log}}\n";
  for (const auto& [candidate, place] : places)
    text.replace(text.find(place), place.size(), candidate == &section ? line + "," : "");
  // An empty mapping may not hold a lone comma, and a filled one may end in one: both are right as they are.
  return text;
}

Loaded load_with(const Section& section, const Key& key, const std::string& value) {
  return load_text(file_with(section, std::string(key.name) + ": " + value), {"/home/ops/f.yaml", false});
}

bool is_out_of_range(const Loaded& loaded) {
  for (const auto& problem : loaded.problems)
    if (problem.message.find("out of range") != std::string::npos) return true;
  return false;
}

std::string written(const Key& key, std::int64_t value) {
  return std::to_string(value) + (key.type == Type::duration ? "ms" : "");
}

template <typename Visit>
void for_each_key(Visit visit) {
  for (const Section* section : all_sections())
    for (const Key& key : section->keys) visit(*section, key);
}

}  // namespace

static void the_documentation_shows_every_table(void**) {
  const auto text = base::read_file(FAIRLEAD_SOURCE_ROOT "/docs/configuration.md");
  assert_true(text.ok());
  for (const Section* section : all_sections()) {
    const std::string table = table_of(*section);
    if (text->find(table) == std::string::npos)
      fail_msg("docs/configuration.md, %s: put this table in\n%s", std::string(section->name).c_str(),
               table.c_str());
  }
}

static void documented_defaults_are_the_real_ones(void**) {
  const auto plain = load_text(file_with(kForwardSection, ""), {"/home/ops/f.yaml", false});
  if (!plain.config) fail_msg("%s", to_string(plain.problems.at(0)).c_str());
  const std::string expected = show_yaml(*plain.config);
  int compared = 0;
  for_each_key([&](const Section& section, const Key& key) {
    const bool concrete = key.type == Type::integer || key.type == Type::duration || key.type == Type::size ||
                          key.type == Type::boolean || key.type == Type::choice;
    if (!concrete || key.fallback.empty() || key.fallback == "none" || key.fallback == "required") return;
    if (key.fallback.starts_with('`')) return;  // it is that of another key
    const auto loaded = load_with(section, key, std::string(key.fallback));
    if (!loaded.config) fail_msg("%s", to_string(loaded.problems.at(0)).c_str());
    assert_text_equal(show_yaml(*loaded.config), expected);
    ++compared;
  });
  assert_true(compared >= 47);
}

static void documented_ranges_are_the_real_ones(void**) {
  int compared = 0;
  for_each_key([&](const Section& section, const Key& key) {
    const bool ranged = key.type == Type::integer || key.type == Type::duration || key.type == Type::size;
    if (!ranged || key.name == "version") return;
    for (const std::int64_t inside : {key.low, key.high})
      if (is_out_of_range(load_with(section, key, written(key, inside))))
        fail_msg("%s: %s", std::string(key.name).c_str(), written(key, inside).c_str());
    for (const std::int64_t outside : {key.low - 1, key.high + 1})
      if ((key.type != Type::duration || outside >= 0) &&  // below 0 there is no duration
          !is_out_of_range(load_with(section, key, written(key, outside))))
        fail_msg("%s: %s", std::string(key.name).c_str(), written(key, outside).c_str());
    ++compared;
  });
  assert_true(compared >= 35);
}

int main() {
  setenv("HOME", "/home/ops", 1);
  setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_documentation_shows_every_table),
      cmocka_unit_test(documented_defaults_are_the_real_ones),
      cmocka_unit_test(documented_ranges_are_the_real_ones),
  };
  return cmocka_run_group_tests_name("config_reference", tests, nullptr, nullptr);
}
