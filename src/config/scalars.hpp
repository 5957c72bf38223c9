// Single values of the tree as C++ values. YAML 1.1 traps (`no`, 022, 1:30) are refused with the fix rather
// than guessed at. Each function reports what is wrong and returns nothing then.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "config/node.hpp"
#include "config/problems.hpp"
#include "config/schema.hpp"

namespace fairlead::config {

// Plain words that YAML 1.1 readers take for true or false: yes no on off true false, in three spellings
// each.
bool is_boolean_word(std::string_view text);
// Plain text that YAML 1.1 readers take for a number (0x1F and 1_000 too).
bool is_number_word(std::string_view text);

std::optional<bool> read_boolean(const Node& node, const Key& key, Problems& problems);
std::optional<std::int64_t> read_integer(const Node& node, const Key& key, Problems& problems);
// `seconds_only`: the NAME_seconds spelling, which takes a bare number.
std::optional<base::Millis> read_duration(const Node& node, const Key& key, bool seconds_only,
                                          Problems& problems);
std::optional<std::uint64_t> read_size(const Node& node, const Key& key, Problems& problems);
// One line of text, trimmed, not empty. `name` is for messages.
std::optional<std::string> read_text(const Node& node, std::string_view name, Problems& problems);
// Words for people: any scalar, may be empty; line breaks and runs of blanks become one blank.
std::optional<std::string> read_prose(const Node& node, std::string_view name, Problems& problems);
std::optional<std::string> read_choice(const Node& node, const Key& key, Problems& problems);

std::string_view kind_name(const Node& node);  // "a list": for messages

}  // namespace fairlead::config
