// YAML text to our own tree, by libyaml's events (this and nothing else includes yaml.h). Strict: one
// document, unique keys, no foreign tags; bounded in nodes and depth after aliases are counted as often as
// they are used.
#pragma once
#include <string_view>

#include "config/node.hpp"
#include "config/problems.hpp"

namespace fairlead::config {

inline constexpr std::size_t kMostBytes = 1u << 20;
// A tunnel that uses every key is some 70 nodes: room for a thousand of them, and no room for a "billion
// laughs".
inline constexpr std::size_t kMostNodes = 100'000;
inline constexpr int kMostLevels = 32;

// Null when the text is not YAML at all or breaks a bound; smaller problems (a key given twice) are reported
// and the tree goes on. An empty file is a problem and null.
NodePtr parse_yaml(std::string_view text, Problems& problems);

}  // namespace fairlead::config
