#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "config/endpoint.hpp"
#include "config/mask.hpp"
#include "config/read_parts.hpp"

namespace fairlead::config {

namespace {

using core::SenderType;

constexpr std::size_t kMostItems = 64;

// The keys that only some types have, and the types that need them.
struct TypeKey {
  std::string_view key, types, needed_by;
};
constexpr TypeKey kTypeKeys[] = {
    {"url", "ntfy webhook", "ntfy"},    {"url_file", "slack webhook", "slack"}, {"topic", "ntfy", "ntfy"},
    {"token_file", "ntfy webhook", ""}, {"secret_file", "webhook", ""},         {"headers", "webhook", ""},
    {"argv", "command", "command"},
};
constexpr std::array kTypes = {SenderType::slack, SenderType::ntfy, SenderType::webhook, SenderType::command};

// What fairlead says itself, or what belongs to the connection.
constexpr std::string_view kOwnHeaders[] = {"connection", "content-length",    "content-type", "expect",
                                            "host",       "transfer-encoding", "user-agent"};

bool holds(std::string_view words, std::string_view word) {
  const auto all = base::split(words, ' ');
  return std::find(all.begin(), all.end(), word) != all.end();
}

void check_keys(SectionReader& reader, const Entry& entry, std::string_view type, Problems& problems) {
  const std::string kind = "a sender of type " + std::string(type);
  for (const TypeKey& row : kTypeKeys) {
    const Entry* given = reader.find(row.key);
    if (given && !holds(row.types, type))
      problems.add(given->at, in_quotes(row.key) + " is not for " + kind, "remove it, or write another type");
    if (!given && holds(row.needed_by, type))
      problems.add(entry.at, "sender " + in_quotes(entry.key) + " has no " + std::string(row.key),
                   kind + " needs it: see docs/notifications.md");
  }
  if (type == "webhook" && reader.has("url") == reader.has("url_file"))
    problems.add(
        entry.at,
        "sender " + in_quotes(entry.key) + (reader.has("url") ? " has both url and url_file" : " has no url"),
        "a webhook has either url or, where the URL is a secret, url_file");
}

void read_events(SectionReader& reader, Problems& problems, core::Sender& sender) {
  sender.events = read_texts(reader, "events", problems);
  for (const auto& event : sender.events)
    if (!is_name(event, "_.-"))
      problems.add(reader.find("events")->value->at, in_quotes(event) + " cannot name an event",
                   "use letters, digits and _ . -, such as tunnel_failed");
}

// A URL that holds no secret: it is shown.
void read_url(SectionReader& reader, Problems& problems, core::Sender& sender) {
  if (!reader.text("url", sender.url)) return;
  const Position at = reader.find("url")->value->at;
  if (const auto refusal = check_url(sender.url)) {
    problems.add(at, "\"url\" " + refusal->message, refusal->fix);
  } else if (mask_url(sender.url) != sender.url) {
    problems.add(at, "\"url\" holds a password or a token",
                 sender.type == SenderType::ntfy ? "put it into a file and name that as token_file"
                                                 : "put the URL into a file and name that as url_file");
    sender.url.clear();
  }
}

void read_header(const Entry& entry, Problems& problems, core::Sender& sender) {
  const std::string name = base::lower(entry.key);
  const bool own = std::find(std::begin(kOwnHeaders), std::end(kOwnHeaders), name) != std::end(kOwnHeaders);
  if (!is_name(entry.key, "-_")) {
    problems.add(entry.at, in_quotes(entry.key) + " cannot name a header", "use letters, digits and - _");
  } else if (own || name.starts_with("webhook-")) {
    problems.add(entry.at, "fairlead sets the header " + in_quotes(entry.key) + " itself", "remove it");
  } else if (is_secret_name(name) || name == "cookie") {
    problems.add(
        entry.at,
        "the header " + in_quotes(entry.key) + " would hold a secret, and this file is no place for it",
        "put a token into a file and name that as token_file");
  } else if (auto value = read_text(*entry.value, entry.key, problems)) {
    sender.headers.emplace_back(entry.key, std::move(*value));
  }
}

void read_argv(SectionReader& reader, Problems& problems, core::Sender& sender) {
  sender.argv = read_texts(reader, "argv", problems);
  if (!sender.argv.empty() && !sender.argv.front().starts_with('/'))
    problems.add(reader.find("argv")->value->at, in_quotes(sender.argv.front()) + " is not an absolute path",
                 "write where the program is, such as /usr/local/bin/page-me; no shell is involved");
}

void read_type_keys(SectionReader& reader, const PathRules& paths, Problems& problems, core::Sender& sender) {
  read_url(reader, problems, sender);
  read_path(reader, "url_file", paths, problems, sender.url_file);
  if (reader.text("topic", sender.topic) && !is_name(sender.topic, "-_"))
    problems.add(reader.find("topic")->value->at, in_quotes(sender.topic) + " cannot name a topic",
                 "use letters, digits and - _, up to 64");
  read_path(reader, "token_file", paths, problems, sender.token_file);
  read_path(reader, "secret_file", paths, problems, sender.secret_file);
  if (const Node* headers = reader.below("headers")) {
    if (headers->entries.size() > kMostItems)
      problems.add(headers->at, "\"headers\" has more than " + std::to_string(kMostItems) + " headers",
                   "shorten it");
    for (const Entry& header : headers->entries) read_header(header, problems, sender);
  }
  read_argv(reader, problems, sender);
}

core::SenderRetry read_retry(const Node& node, Problems& problems) {
  SectionReader reader(kSenderRetrySection, node, problems);
  core::SenderRetry retry;
  reader.integer("attempts", retry.attempts);
  const bool initial = reader.duration("backoff_initial", retry.backoff_initial);
  const bool max = reader.duration("backoff_max", retry.backoff_max);
  if (!initial) retry.backoff_initial = std::min(retry.backoff_initial, retry.backoff_max);
  if (!max) retry.backoff_max = std::max(retry.backoff_initial, retry.backoff_max);
  if (retry.backoff_initial > retry.backoff_max)
    problems.add(reader.find("backoff_initial")->value->at, "\"backoff_initial\" is longer than backoff_max",
                 "make it shorter, or backoff_max longer");
  reader.finish();
  return retry;
}

}  // namespace

std::vector<std::string> read_texts(SectionReader& reader, std::string_view key, Problems& problems) {
  std::vector<std::string> texts;
  const Node* list = reader.below(key);
  if (!list) return texts;
  if (list->items.empty())
    problems.add(list->at, in_quotes(key) + " is empty", "add an element, or remove the key");
  if (list->items.size() > kMostItems)
    problems.add(list->at, in_quotes(key) + " has more than " + std::to_string(kMostItems) + " elements",
                 "shorten it");
  for (const NodePtr& item : list->items)
    if (auto text = read_text(*item, key, problems)) texts.push_back(std::move(*text));
  return texts;
}

core::Sender read_sender(const Entry& entry, const PathRules& paths, Problems& problems) {
  core::Sender sender;
  sender.name = entry.key;
  const Node& node = *entry.value;
  if (node.kind == NodeKind::broken) return sender;
  if (!is_name(entry.key, "._-"))
    problems.add(entry.at, in_quotes(entry.key) + " cannot name a sender",
                 "use letters, digits and . _ -, up to 64, starting with a letter or digit");
  SectionReader reader(kSenderSection, node, problems);
  if (node.kind != NodeKind::map && node.kind != NodeKind::null) return sender;
  const auto type = reader.choice("type");
  if (type) {
    sender.type = *std::find_if(kTypes.begin(), kTypes.end(),
                                [&](SenderType candidate) { return to_string(candidate) == *type; });
    check_keys(reader, entry, *type, problems);
  } else if (!reader.has("type")) {
    problems.add(entry.at, "sender " + in_quotes(entry.key) + " has no type",
                 "add type: slack, ntfy, webhook or command");
  }
  if (const auto severity = reader.choice("severity")) sender.severity = *core::parse_severity(*severity);
  read_events(reader, problems, sender);
  reader.integer("rate", sender.rate);
  reader.integer("burst", sender.burst);
  if (const Node* retry = reader.below("retry")) sender.retry = read_retry(*retry, problems);
  reader.duration("timeout", sender.timeout);
  read_type_keys(reader, paths, problems, sender);
  reader.finish();
  return sender;
}

}  // namespace fairlead::config
