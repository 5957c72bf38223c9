// A message on its way and what it looks like in each sender's language. Pure.
//
// - Slack incoming webhook: {"text": …} (https://api.slack.com/messaging/webhooks), `& < >` escaped.
// - ntfy: published as JSON to the server's root (https://docs.ntfy.sh/publish/#publish-as-json).
// - webhook: one CloudEvents 1.0 event in structured mode (HTTP protocol binding, section 3.2), signed as
// Standard
//   Webhooks says (webhook-id, webhook-timestamp, webhook-signature).
// - command: one JSON object, docs/notifications.md.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "core/notice.hpp"

namespace fairlead::notify {

struct Message {
  std::string id;  // the same in every attempt, different for every sender: receivers know repetitions by it
  core::Notice notice;
};

// "msg_" and 32 random digits. Without a dot: that separates the parts of what is signed.
std::string new_message_id();

// What came from elsewhere, made fit to be sent: the title one printable line, the text printable lines, both
// cut.
core::Notice tidied(core::Notice notice);

std::string slack_body(const core::Notice& notice);
std::string ntfy_body(const core::Notice& notice, std::string_view topic);
// `source`: the event's source attribute, a URI reference.
std::string cloud_event(const Message& message, std::string_view source);
std::string command_input(const Message& message);

// The value of `webhook-signature`: "v1," and the base64 of HMAC-SHA256 over "ID.SECONDS.BODY". `secret`:
// "whsec_" and base64, or any text, whose bytes are the key. Code::bad_config below 24 bytes, which Standard
// Webhooks has as the least.
base::Result<std::string> signature(std::string_view secret, std::string_view id, std::int64_t seconds,
                                    std::string_view body);

}  // namespace fairlead::notify
