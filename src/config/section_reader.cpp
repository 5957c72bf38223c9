#include "config/section_reader.hpp"

#include <cassert>
#include <vector>

#include "base/text.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kSeconds = "_seconds";

}  // namespace

SectionReader::SectionReader(const Section& section, const Node& node, Problems& problems)
    : section_(section), node_(node), problems_(problems) {
  assert(section.keys.size() < 64);
  if (node.kind == NodeKind::text || node.kind == NodeKind::list)
    problems.add(node.at,
                 std::string(section.name) + " must be a mapping, not " + std::string(kind_name(node)),
                 "write its keys below it, indented: `key: value`");
}

const Key& SectionReader::known(std::string_view key) {
  const Key* found = section_.find(key);
  assert(found);
  asked_ |= std::uint64_t{1} << (found - section_.keys.data());
  return *found;
}

const Entry* SectionReader::entry(std::string_view name) {
  for (const Entry& candidate : node_.entries)
    if (candidate.key == name && candidate.value->kind != NodeKind::null) return &candidate;
  return nullptr;
}

const Entry* SectionReader::find(std::string_view name) {
  const Key& key = known(name);
  const Entry* found = entry(name);
  seconds_spelling_ = false;
  if (key.type != Type::duration) return found;
  const Entry* other = entry(std::string(name).append(kSeconds));
  if (!other) return found;
  // What is written here overrides what a merge brings, whichever way each of them spells it.
  const bool both = found && found->merged == other->merged;
  if (both)
    problems_.add(std::max(found->at.line, other->at.line) == found->at.line ? found->at : other->at,
                  in_quotes(found->key) + " and " + in_quotes(other->key) + " are the same setting",
                  "keep one of the two");
  seconds_spelling_ = !found || (found->merged && !other->merged);
  return seconds_spelling_ ? other : found;
}

bool SectionReader::text(std::string_view key, std::string& into) {
  const Entry* found = find(key);
  if (!found) return false;
  auto value = read_text(*found->value, key, problems_);
  if (value) into = std::move(*value);
  return value.has_value();
}

bool SectionReader::prose(std::string_view key, std::string& into) {
  const Entry* found = find(key);
  if (!found) return false;
  auto value = read_prose(*found->value, key, problems_);
  if (value) into = std::move(*value);
  return value.has_value();
}

bool SectionReader::boolean(std::string_view key, bool& into) {
  const Entry* found = find(key);
  if (!found) return false;
  const auto value = read_boolean(*found->value, known(key), problems_);
  if (value) into = *value;
  return value.has_value();
}

bool SectionReader::duration(std::string_view key, base::Millis& into) {
  const Entry* found = find(key);
  if (!found) return false;
  const auto value = read_duration(*found->value, known(key), seconds_spelling_, problems_);
  if (value) into = *value;
  return value.has_value();
}

bool SectionReader::size(std::string_view key, std::uint64_t& into) {
  const Entry* found = find(key);
  if (!found) return false;
  const auto value = read_size(*found->value, known(key), problems_);
  if (value) into = *value;
  return value.has_value();
}

std::optional<std::int64_t> SectionReader::integer(std::string_view key) {
  const Entry* found = find(key);
  if (!found) return std::nullopt;
  return read_integer(*found->value, known(key), problems_);
}

std::optional<std::string> SectionReader::choice(std::string_view key) {
  const Entry* found = find(key);
  if (!found) return std::nullopt;
  return read_choice(*found->value, known(key), problems_);
}

const Node* SectionReader::below(std::string_view key) {
  const Entry* found = find(key);
  if (!found) return nullptr;
  const bool list = known(key).type == Type::list;
  const Node& node = *found->value;
  if (node.kind == (list ? NodeKind::list : NodeKind::map)) return &node;
  if (node.kind != NodeKind::broken)
    problems_.add(
        node.at,
        in_quotes(key) + " must be " + (list ? "a list" : "a mapping") + ", not " +
            std::string(kind_name(node)),
        list ? "start each element with a dash" : "write its keys below it, indented: `key: value`");
  return nullptr;
}

void SectionReader::report_unknown(const Entry& entry) {
  if (problems_.full()) {  // the edit distances below cost time
    problems_.add(entry.at, "unknown key", "");
    return;
  }
  std::vector<std::string> spellings;
  for (const Key& key : section_.keys) {
    spellings.emplace_back(key.name);
    if (key.type == Type::duration) spellings.push_back(std::string(key.name).append(kSeconds));
  }
  const std::vector<std::string_view> names(spellings.begin(), spellings.end());
  std::string fix;
  if (const auto near = base::nearest(entry.key, names); !near.empty()) {
    fix = "did you mean " + in_quotes(near) + "?";
  } else {
    fix = "remove it; known here:";
    for (const Key& key : section_.keys) fix += (fix.back() == ':' ? " " : ", ") + std::string(key.name);
  }
  problems_.add(entry.at, "unknown key " + in_quotes(entry.key) + " in " + std::string(section_.name), fix);
}

void SectionReader::finish(bool holders) {
  assert(asked_ == (std::uint64_t{1} << section_.keys.size()) - 1);
  std::vector<std::string_view> names;
  for (const Key& key : section_.keys) names.push_back(key.name);
  for (const Entry& entry : node_.entries) {
    if (section_.find(entry.key)) continue;
    std::string_view base_name = entry.key;
    if (base_name.ends_with(kSeconds)) {
      base_name.remove_suffix(kSeconds.size());
      const Key* key = section_.find(base_name);
      if (key && key->type == Type::duration) continue;
    }
    const bool holds_parts =
        entry.key.starts_with("x-") || (entry.value->anchored && base::nearest(entry.key, names).empty());
    if (!(holders && holds_parts)) report_unknown(entry);
  }
}

}  // namespace fairlead::config
