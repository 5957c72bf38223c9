#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

constexpr std::uint64_t kMostId = 0xFFFFFFFE;  // (uid_t)-1 means "none" to the kernel

struct Subject {
  std::string_view key;
  bool is_group;
};
constexpr Subject kSubjects[] = {{"uid", false}, {"user", false}, {"gid", true}, {"group", true}};

std::optional<std::uint32_t> read_identity(const Entry& entry, bool is_group, Problems& problems) {
  const Node& node = *entry.value;
  if (node.kind == NodeKind::broken) return std::nullopt;
  if (node.kind != NodeKind::text) {
    problems.add(node.at,
                 in_quotes(entry.key) + " must be a number or a name, not " + std::string(kind_name(node)),
                 "make one rule for each");
    return std::nullopt;
  }
  if (const auto number = base::parse_unsigned(node.text)) {
    if (*number <= kMostId && (node.text.size() <= 1 || node.text[0] != '0'))
      return static_cast<std::uint32_t>(*number);
    problems.add(node.at, in_quotes(entry.key) + " cannot be " + in_quotes(node.text),
                 "write a plain decimal id");
    return std::nullopt;
  }
  const auto id = is_group ? gid_of(node.text) : uid_of(node.text);
  if (!id)
    problems.add(node.at,
                 std::string(is_group ? "no group " : "no user ") + in_quotes(node.text) + " on this machine",
                 "create it, or write another name or a number");
  return id;
}

void read_rule(const Node& node, Problems& problems, std::vector<core::RoleRule>& roles) {
  if (node.kind == NodeKind::broken) return;
  SectionReader reader(kRoleSection, node, problems);
  const Entry* who = nullptr;
  core::RoleRule rule;
  for (const auto& subject : kSubjects) {
    const Entry* entry = reader.find(subject.key);
    if (!entry) continue;
    if (who)
      problems.add(entry->at, "a rule is for one user or group: " + in_quotes(who->key) + " is given too",
                   "make two rules of it");
    who = entry;
    rule.is_group = subject.is_group;
  }
  const auto role = reader.choice("role");
  const bool has_role = reader.has("role");
  if (reader.choice("class") == "automation") rule.caller_class = core::ActorClass::automation;
  reader.finish();
  if (node.kind != NodeKind::map && node.kind != NodeKind::null) return;
  if (!who) problems.add(node.at, "this rule names nobody", "add uid, user, gid or group");
  if (!has_role) problems.add(node.at, "this rule has no role", "add role: viewer or role: operator");
  const auto id = who ? read_identity(*who, rule.is_group, problems) : std::nullopt;
  if (!id || !role) return;
  rule.id = *id;
  rule.role = *role == "operator" ? core::Role::operator_ : core::Role::viewer;
  const auto same = [&](const core::RoleRule& other) {
    return other.is_group == rule.is_group && other.id == rule.id;
  };
  if (std::any_of(roles.begin(), roles.end(), same))
    problems.add(
        who->at,
        std::string(rule.is_group ? "group " : "user ") + std::to_string(rule.id) + " has a rule already",
        "keep one of the two");
  roles.push_back(rule);
}

}  // namespace

void read_api(const Node& node, Problems& problems, std::vector<core::RoleRule>& roles) {
  SectionReader reader(kApiSection, node, problems);
  const Node* rules = reader.below("roles");
  reader.finish();
  if (!rules) return;
  for (const NodePtr& rule : rules->items) read_rule(*rule, problems, roles);
}

}  // namespace fairlead::config
