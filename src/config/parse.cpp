#include "config/parse.hpp"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.hpp"
#include "config/encoding.hpp"
#include "config/syntax_error.hpp"

namespace fairlead::config {

namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

struct Event {
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  yaml_event_t raw{};
};

Position position_of(const yaml_mark_t& mark) {
  return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

std::string_view view(const yaml_char_t* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Recursive descent over the events of one document. A null NodePtr is fatal and has been reported.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, Problems& problems) : text_(text), problems_(problems) {
    ready_ = yaml_parser_initialize(&parser_) != 0;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~TreeBuilder() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  NodePtr build_document();

 private:
  using Draft = std::shared_ptr<Node>;

  bool next(Event& event);
  NodePtr build(const yaml_event_t& event, int depth);
  NodePtr build_alias(const yaml_event_t& event, int depth);
  Draft build_scalar(const yaml_event_t& event);
  Draft build_list(int depth);
  Draft build_map(int depth);
  bool add_entry(Node& map, const yaml_event_t& key_event, const NodePtr& value);
  void merge(Node& map, const Node& source);
  bool admit(std::size_t weight, Position at);
  void check_tag(std::string_view tag, Position at);
  NodePtr broken(Position at) const;
  void expect_end();

  std::string_view text_;
  Problems& problems_;
  yaml_parser_t parser_{};
  bool ready_ = false;
  std::map<std::string, NodePtr, std::less<>> anchors_;
  std::vector<std::string> open_anchors_;  // of the nodes that are being built: an alias to one is a cycle
  std::size_t nodes_ = 0;
};

bool TreeBuilder::next(Event& event) {
  if (yaml_parser_parse(&parser_, &event.raw) != 0) return true;
  const Position at = parser_.problem ? position_of(parser_.problem_mark) : Position{1, 1};
  report_syntax_error({.problem = parser_.problem ? parser_.problem : "out of memory",
                       .context = parser_.context ? parser_.context : "",
                       .at = at,
                       .context_at = position_of(parser_.context_mark)},
                      text_, problems_);
  return false;
}

bool TreeBuilder::admit(std::size_t weight, Position at) {
  nodes_ += weight;
  if (nodes_ <= kMostNodes) return true;
  problems_.add(at,
                "the file grows past " + std::to_string(kMostNodes) + " values once its aliases are followed",
                "use fewer aliases inside of what is itself aliased");
  return false;
}

void TreeBuilder::check_tag(std::string_view tag, Position at) {
  if (tag.empty() || tag == "!") return;
  if (tag.starts_with(kCoreTag)) {
    tag.remove_prefix(kCoreTag.size());
    for (const std::string_view known : {"str", "int", "float", "bool", "null", "map", "seq"})
      if (tag == known) return;
  }
  problems_.add(at, "the tag " + in_quotes(tag) + " means nothing here", "remove it");
}

NodePtr TreeBuilder::broken(Position at) const {
  auto node = std::make_shared<Node>();
  node->kind = NodeKind::broken;
  node->at = at;
  return node;
}

NodePtr TreeBuilder::build(const yaml_event_t& event, int depth) {
  const Position at = position_of(event.start_mark);
  if (event.type == YAML_ALIAS_EVENT) return build_alias(event, depth);
  if (depth > kMostLevels) {
    problems_.add(at, "nested deeper than " + std::to_string(kMostLevels) + " levels", "flatten it");
    return nullptr;
  }
  if (!admit(1, at)) return nullptr;
  const bool is_list = event.type == YAML_SEQUENCE_START_EVENT;
  const bool is_map = event.type == YAML_MAPPING_START_EVENT;
  const yaml_char_t* anchor = is_list  ? event.data.sequence_start.anchor
                              : is_map ? event.data.mapping_start.anchor
                                       : event.data.scalar.anchor;
  const yaml_char_t* tag = is_list  ? event.data.sequence_start.tag
                           : is_map ? event.data.mapping_start.tag
                                    : event.data.scalar.tag;
  check_tag(view(tag), at);
  if (anchor) open_anchors_.emplace_back(view(anchor));
  const Draft node = is_list ? build_list(depth) : is_map ? build_map(depth) : build_scalar(event);
  if (!node) return nullptr;
  node->at = at;
  if (anchor) {
    open_anchors_.pop_back();
    node->anchored = true;
    anchors_[std::string(view(anchor))] = node;
  }
  return node;
}

NodePtr TreeBuilder::build_alias(const yaml_event_t& event, int depth) {
  const Position at = position_of(event.start_mark);
  const std::string_view name = view(event.data.alias.anchor);
  if (std::find(open_anchors_.begin(), open_anchors_.end(), name) != open_anchors_.end()) {
    problems_.add(at, "the alias " + in_quotes(name) + " stands inside of what it names",
                  "write the value out");
    return broken(at);
  }
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    problems_.add(at, "no anchor " + in_quotes(name) + " stands above this alias",
                  "name one with &" + base::printable(name, 80) + ", or quote the text if no alias is meant");
    return broken(at);
  }
  if (depth + found->second->height - 1 > kMostLevels) {
    problems_.add(at, "aliases nest deeper than " + std::to_string(kMostLevels) + " levels", "flatten it");
    return nullptr;
  }
  return admit(found->second->weight, at) ? found->second : nullptr;
}

TreeBuilder::Draft TreeBuilder::build_scalar(const yaml_event_t& event) {
  auto node = std::make_shared<Node>();
  const auto& scalar = event.data.scalar;
  node->text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
  node->plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && view(scalar.tag) != "tag:yaml.org,2002:str";
  node->kind = node->plain && is_null_word(node->text) ? NodeKind::null : NodeKind::text;
  return node;
}

TreeBuilder::Draft TreeBuilder::build_list(int depth) {
  auto node = std::make_shared<Node>();
  node->kind = NodeKind::list;
  for (;;) {
    Event event;
    if (!next(event)) return nullptr;
    if (event.raw.type == YAML_SEQUENCE_END_EVENT) return node;
    NodePtr item = build(event.raw, depth + 1);
    if (!item) return nullptr;
    node->weight += item->weight;
    node->height = std::max(node->height, item->height + 1);
    node->anchored |= item->anchored;
    node->items.push_back(std::move(item));
  }
}

TreeBuilder::Draft TreeBuilder::build_map(int depth) {
  auto node = std::make_shared<Node>();
  node->kind = NodeKind::map;
  std::map<std::string, Position> seen;
  std::vector<NodePtr>
      sources;  // of `<<`, in order: earlier ones win, and what is written here wins over all
  for (;;) {
    Event key_event;
    if (!next(key_event)) return nullptr;
    if (key_event.raw.type == YAML_MAPPING_END_EVENT) break;
    const NodePtr key = build(key_event.raw, depth + 1);
    Event value_event;
    if (!key || !next(value_event)) return nullptr;
    const NodePtr value = build(value_event.raw, depth + 1);
    if (!value) return nullptr;
    node->weight += key->weight + value->weight;
    node->height = std::max({node->height, key->height + 1, value->height + 1});
    node->anchored |= value->anchored;
    const Position at = position_of(key_event.raw.start_mark);
    if (key->kind != NodeKind::text) {
      if (key->kind != NodeKind::broken)
        problems_.add(at, "a key must be text", "write it as one word before the colon");
      continue;
    }
    const bool is_merge = key->plain && key->text == "<<";
    const auto [first, fresh] = seen.emplace(key->text, at);
    if (!fresh)
      problems_.add(at,
                    "the key " + in_quotes(key->text) + " was given before, on line " +
                        std::to_string(first->second.line),
                    "remove one of the two");
    else if (is_merge)
      sources.push_back(value);
    else
      node->entries.push_back({key->text, at, value, false});
  }
  for (const NodePtr& source : sources) merge(*node, *source);
  return node;
}

void TreeBuilder::merge(Node& map, const Node& source) {
  if (source.kind == NodeKind::list) {
    for (const NodePtr& item : source.items) {
      if (item->kind == NodeKind::list)
        problems_.add(item->at, "`<<` takes mappings, not a list inside a list", "write <<: [*one, *other]");
      else
        merge(map, *item);
    }
    return;
  }
  if (source.kind == NodeKind::broken) return;
  if (source.kind != NodeKind::map) {
    problems_.add(source.at, "`<<` takes a mapping", "write <<: *name, with &name at a mapping above");
    return;
  }
  std::map<std::string_view, bool> present;
  for (const Entry& entry : map.entries) present.emplace(entry.key, true);
  std::vector<Entry> added;
  for (const Entry& entry : source.entries)
    if (!present.contains(entry.key)) added.push_back({entry.key, entry.at, entry.value, true});
  map.entries.insert(map.entries.end(), added.begin(), added.end());
}

void TreeBuilder::expect_end() {
  Event end;
  if (!next(end)) return;  // the document's end
  Event after;
  if (!next(after) || after.raw.type == YAML_STREAM_END_EVENT) return;
  problems_.add(position_of(after.raw.start_mark), "a second YAML document starts here",
                "keep one document in a file: remove the `---` line");
}

NodePtr TreeBuilder::build_document() {
  if (!ready_) {
    problems_.add({}, "out of memory", "");
    return nullptr;
  }
  Event stream, document, root;
  if (!next(stream) || !next(document)) return nullptr;
  if (document.raw.type == YAML_STREAM_END_EVENT) return broken({});
  if (!next(root)) return nullptr;
  NodePtr node = build(root.raw, 1);
  if (node) expect_end();
  return node;
}

}  // namespace

NodePtr parse_yaml(std::string_view text, Problems& problems) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.size() > kMostBytes) {
    problems.add({}, "is larger than " + base::format_bytes(kMostBytes), "split the site, or use aliases");
    return nullptr;
  }
  if (!check_encoding(text, problems)) return nullptr;
  TreeBuilder builder(text, problems);
  NodePtr root = builder.build_document();
  const bool nothing = root && (root->kind == NodeKind::broken || root->kind == NodeKind::null);
  if (!nothing) return root;
  if (problems.empty())
    problems.add({1, 1}, "the file is empty", "start with `tunnels:`; docs/configuration.md has an example");
  return nullptr;
}

}  // namespace fairlead::config
