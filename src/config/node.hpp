// The tree that a YAML file becomes: values with their place, aliases shared, merge keys already merged.
// Immutable once built; shared ownership because an alias is the anchored node itself.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::config {

struct Position {
  int line = 0;    // from 1; 0: no place in the file
  int column = 0;  // from 1, in characters
  bool operator==(const Position&) const = default;
};

enum class NodeKind : std::uint8_t {
  null,  // nothing, `~`, `null`
  text,  // any other scalar
  list,
  map,
  broken,  // already reported: readers pass over it in silence
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Position at;          // of the key
  NodePtr value;        // never null
  bool merged = false;  // came in through `<<`
};

struct Node {
  NodeKind kind = NodeKind::null;
  Position at;
  std::string text;
  bool plain = false;     // a scalar without quotes: YAML 1.1 may see a number or a boolean in it
  bool anchored = false;  // it, or something inside, carries an anchor
  std::vector<NodePtr> items;
  std::vector<Entry> entries;  // keys are unique
  std::size_t weight = 1;      // nodes inside, aliases counted as often as they are used
  int height = 1;              // levels inside
};

}  // namespace fairlead::config
