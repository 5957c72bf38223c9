#include "notify/message.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "base/text.hpp"

namespace fairlead::notify {

namespace {

using base::Json;
using core::Severity;

constexpr std::size_t kMostTitle = 200;
constexpr std::size_t kMostText = 3'500;  // ntfy makes an attachment of what is above 4096 bytes
constexpr std::size_t kMostLine = 1'000;
constexpr std::size_t kMostName = 128;
constexpr std::size_t kLeastKey = 24;
constexpr std::string_view kBase64Secret = "whsec_";

// What ntfy calls priority (1 to 5, 3 is usual), and the tag that it shows as an emoji.
struct NtfyLook {
  int priority;
  const char* tag;
};

// That something is well again is told to whoever was told of the trouble, but need not ring.
NtfyLook ntfy_look(const core::Notice& notice) {
  if (notice.event.ends_with("_recovered")) return {3, "white_check_mark"};
  switch (notice.severity) {
    case Severity::info:
      return {2, "information_source"};
    case Severity::low:
      return {3, "bell"};
    case Severity::high:
      return {4, "warning"};
    case Severity::critical:
      return {5, "rotating_light"};
  }
  return {3, "bell"};
}

std::string slack_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::vector<std::uint8_t> key_of(std::string_view secret) {
  if (secret.starts_with(kBase64Secret))
    return base::decode_base64(secret.substr(kBase64Secret.size())).value_or(std::vector<std::uint8_t>{});
  const auto bytes = base::as_bytes(secret);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string new_message_id() {
  std::array<std::uint8_t, 16> bytes{};
  base::secure_random(bytes);
  return "msg_" + base::hex(bytes);
}

core::Notice tidied(core::Notice notice) {
  notice.event = base::printable(notice.event, kMostName);
  notice.subject = base::printable(notice.subject, kMostName);
  notice.title = base::printable(notice.title.empty() ? notice.event : notice.title, kMostTitle);
  std::string text;
  for (const auto line : base::split(base::trim(notice.text), '\n')) {
    if (text.size() + std::min(line.size(), kMostLine) > kMostText) {
      text += "\n…";
      break;
    }
    text += (text.empty() ? "" : "\n") + base::printable(line, kMostLine);
  }
  notice.text = std::move(text);
  return notice;
}

std::string slack_body(const core::Notice& notice) {
  std::string text = "*" + slack_escaped(notice.title) + "*";
  if (!notice.text.empty()) text += "\n" + slack_escaped(notice.text);
  Json body = Json::object();
  body.set("text", text);
  return body.dump();
}

std::string ntfy_body(const core::Notice& notice, std::string_view topic) {
  const NtfyLook look = ntfy_look(notice);
  Json tags = Json::array();
  tags.push(look.tag).push(notice.event);
  Json body = Json::object();
  body.set("topic", topic).set("title", notice.title);
  body.set("message", notice.text.empty() ? notice.title : notice.text);  // an empty one becomes "triggered"
  body.set("priority", look.priority).set("tags", std::move(tags));
  return body.dump();
}

std::string cloud_event(const Message& message, std::string_view source) {
  const core::Notice& notice = message.notice;
  Json data = Json::object();
  data.set("event", notice.event).set("subject", notice.subject);
  data.set("severity", to_string(notice.severity)).set("title", notice.title).set("text", notice.text);
  Json event = Json::object();
  event.set("specversion", "1.0").set("id", message.id).set("source", source);
  event.set("type", "fairlead." + notice.event);
  if (!notice.subject.empty()) event.set("subject", notice.subject);  // may not be empty
  event.set("time", base::iso8601(notice.at)).set("datacontenttype", "application/json");
  event.set("data", std::move(data));
  return event.dump();
}

std::string command_input(const Message& message) {
  const core::Notice& notice = message.notice;
  Json input = Json::object();
  input.set("id", message.id).set("time", base::iso8601(notice.at)).set("event", notice.event);
  input.set("subject", notice.subject).set("severity", to_string(notice.severity));
  input.set("title", notice.title).set("text", notice.text);
  return input.dump() + "\n";
}

base::Result<std::string> signature(std::string_view secret, std::string_view id, std::int64_t seconds,
                                    std::string_view body) {
  const auto key = key_of(secret);
  if (key.size() < kLeastKey)
    return base::Error{
        base::Code::bad_config,
        "the signing key is shorter than 24 bytes, or no base64 follows its whsec_: make one with "
        "`openssl rand -base64 32`",
        {}};
  std::string content(id);
  content.append(".").append(std::to_string(seconds)).append(".").append(body);
  return "v1," + base::base64(base::hmac_sha256(key, content));
}

}  // namespace fairlead::notify
