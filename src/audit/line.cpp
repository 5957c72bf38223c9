#include "audit/line.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace fairlead::audit {

namespace {

constexpr const char* kTexts[] = {"time", "tunnel", "actor", "actor_class", "event", "detail", "prev"};

base::Error refused(const std::string& why) {
  return base::Error{base::Code::bad_request, why, {}};
}

}  // namespace

bool is_hash(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string to_string(const Position& position) {
  return std::to_string(position.seq) + ":" + position.hash;
}

base::Result<Position> parse_position(std::string_view text) {
  const auto colon = text.find(':');
  const auto seq = base::parse_unsigned(text.substr(0, colon));
  if (colon == std::string_view::npos || !seq || !is_hash(text.substr(colon + 1)))
    return refused("a head is SEQ:HASH, a number and 64 lower-case hexadecimal digits");
  return Position{*seq, std::string(text.substr(colon + 1))};
}

core::AuditEntry bounded(const core::AuditEntry& entry) {
  return {base::printable(entry.tunnel, 128), base::printable(entry.actor, 256),
          base::printable(entry.actor_class, 32), base::printable(entry.event, 64),
          base::printable(entry.detail, 1024)};
}

Pending own_entry(std::string event, std::string detail) {
  return {base::wall_now(), bounded({"", "fairlead", "automation", std::move(event), std::move(detail)})};
}

std::string format_line(const Pending& pending, const Position& before) {
  const auto& entry = pending.entry;
  base::Json line = base::Json::object();
  line.set("time", base::iso8601(pending.time))
      .set("seq", before.seq + 1)
      .set("tunnel", entry.tunnel)
      .set("actor", entry.actor)
      .set("actor_class", entry.actor_class)
      .set("event", entry.event)
      .set("detail", entry.detail)
      .set("prev", before.hash);
  return line.dump();
}

base::Result<Line> parse_line(std::string_view text) {
  // cJSON takes NUL bytes for white space.
  if (text.find('\0') != std::string_view::npos) return refused("it holds a NUL byte");
  auto body = base::Json::parse(text);
  if (!body) return body.error();
  for (const char* key : kTexts)
    if (!(*body)[key].is_string()) return refused(std::string("\"") + key + "\" is missing or not a text");
  const auto seq = (*body)["seq"].integer();
  if (seq < 1) return refused("\"seq\" is missing or not a number from 1");
  std::string prev((*body)["prev"].text());
  if (!is_hash(prev)) return refused("\"prev\" is not a hash");
  return Line{static_cast<std::uint64_t>(seq), std::move(prev), std::move(*body)};
}

}  // namespace fairlead::audit
