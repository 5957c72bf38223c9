#include <algorithm>

#include "base/text.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

void read_deadlines(const Node& node, Problems& problems, core::PolicySettings& settings) {
  SectionReader reader(kDeadlinesSection, node, problems);
  settings.deadlines.assign(core::all_events().size(), base::Millis(0));
  for (const core::EventInfo& event : core::all_events())
    reader.duration(event.name, settings.deadlines[static_cast<std::size_t>(event.event)]);
  reader.finish();
}

bool is_host_pattern(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = base::parse_unsigned(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return false;
    text = text.substr(0, colon);
  }
  if (text.starts_with("*.")) text.remove_prefix(2);
  return !text.empty() && text.find_first_of("/*@? ") == std::string_view::npos;
}

void read_allow(const Node& node, Problems& problems, core::PolicyAllow& allow) {
  SectionReader reader(kAllowSection, node, problems);
  const auto check = [&](const char* key, const std::vector<std::string>& texts,
                         bool (*fits)(std::string_view), const char* cure) {
    for (const std::string& text : texts)
      if (!fits(text))
        problems.add(reader.find(key)->value->at, in_quotes(text) + " cannot stand in " + key, cure);
  };
  allow.commands = read_texts(reader, "commands", problems);
  check(
      "commands", allow.commands, [](std::string_view text) { return text.starts_with('/'); },
      "write the program's absolute path: there is no shell and no search");
  allow.hosts = read_texts(reader, "hosts", problems);
  check("hosts", allow.hosts, is_host_pattern, "write name, name:port, or *.domain");
  allow.tunnels = read_texts(reader, "tunnels", problems);
  check(
      "tunnels", allow.tunnels, [](std::string_view text) { return text == "*" || is_name(text, "._-"); },
      "write a tunnel's name, or \"*\"");
  reader.finish();
}

void read_journal(const Node& node, Problems& problems, core::PolicySettings& settings) {
  SectionReader reader(kJournalSection, node, problems);
  reader.duration("age", settings.journal_age);
  std::size_t megabytes = settings.journal_bytes >> 20;
  reader.integer("megabytes", megabytes);
  settings.journal_bytes = megabytes << 20;
  reader.finish();
}

}  // namespace

core::PolicySettings read_policy(const Node& node, const PathRules& paths, Problems& problems) {
  SectionReader reader(kPolicySection, node, problems);
  core::PolicySettings settings;
  settings.folder = paths.hooks_dir();
  read_path(reader, "dir", paths, problems, settings.folder);
  reader.duration("deadline", settings.deadline);
  if (const Node* deadlines = reader.below("deadlines")) read_deadlines(*deadlines, problems, settings);
  if (const Node* allow = reader.below("allow")) read_allow(*allow, problems, settings.allow);
  if (const Node* journal = reader.below("journal")) read_journal(*journal, problems, settings);
  reader.finish();
  return settings;
}

}  // namespace fairlead::config
