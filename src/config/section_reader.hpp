// Reads one mapping by the rules of its section: remembers which keys were asked for, so that what is left
// over is an unknown key, and (by an assertion) that no key of the section is accepted and then ignored.
// Lives on the stack for the mapping's reading; borrows the node, the section and the problems.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/problems.hpp"
#include "config/scalars.hpp"
#include "config/schema.hpp"

namespace fairlead::config {

class SectionReader {
 public:
  // A node that is neither a mapping nor nothing is reported and read as empty.
  SectionReader(const Section& section, const Node& node, Problems& problems);

  // The key's entry when it has a value (`key:` alone is as good as absent), else null. A duration's other
  // spelling counts.
  const Entry* find(std::string_view key);
  bool has(std::string_view key) { return find(key) != nullptr; }

  // Each puts the value into `into` and returns true, or reports (when there is something wrong) and leaves
  // `into` as it is.
  bool text(std::string_view key, std::string& into);
  bool prose(std::string_view key, std::string& into);
  bool boolean(std::string_view key, bool& into);
  bool duration(std::string_view key, base::Millis& into);
  bool size(std::string_view key, std::uint64_t& into);  // bytes
  template <typename Integer>
  bool integer(std::string_view key, Integer& into) {
    const auto value = integer(key);
    if (value) into = static_cast<Integer>(*value);  // the section's range is within Integer's
    return value.has_value();
  }
  // One of the key's choices, or nothing.
  std::optional<std::string> choice(std::string_view key);
  // The mapping or list below the key, or null; another kind is reported. For Type::map and Type::list.
  const Node* below(std::string_view key);

  // Reports the keys that are not the section's. To be called last, after every key was asked for.
  // `holders`: keys that only hold anchored parts for use elsewhere are fine (top level).
  void finish(bool holders = false);

 private:
  const Key& known(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  const Entry* entry(std::string_view name);
  void report_unknown(const Entry& entry);

  const Section& section_;
  const Node& node_;
  Problems& problems_;
  std::uint64_t asked_ = 0;        // a bit for each key of the section
  bool seconds_spelling_ = false;  // of the entry that find() returned last
};

}  // namespace fairlead::config
