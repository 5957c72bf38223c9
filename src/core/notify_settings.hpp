// The `notify` section of the configuration: who is told of what, and how. Immutable values, every rule
// already checked by config/. Secrets are not in here, only the paths of the files that hold them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "core/notice.hpp"

namespace fairlead::core {

enum class SenderType : std::uint8_t {
  slack,    // an incoming webhook of Slack, or of what speaks its language
  ntfy,     // a topic of an ntfy server
  webhook,  // a CloudEvents 1.0 event by POST, signed as Standard Webhooks has it
  command,  // a program of this machine, the message on its stdin
};
std::string_view to_string(SenderType type);

struct SenderRetry {
  int attempts = 8;                     // in all, 1 .. 100
  base::Millis backoff_initial{2'000};  // not above backoff_max
  base::Millis backoff_max{300'000};
  bool operator==(const SenderRetry&) const = default;
};

struct Sender {
  std::string name;
  SenderType type = SenderType::webhook;
  Severity severity = Severity::low;  // the least that it sends
  std::vector<std::string> events;    // none: all
  int rate = 30;                      // messages an hour, in the long run
  int burst = 10;                     // at once
  SenderRetry retry;
  base::Millis timeout{10'000};  // of one attempt
  std::string url;               // ntfy, webhook; empty for a webhook with url_file
  std::string url_file;          // slack, webhook: a file that holds the URL
  std::string topic;             // ntfy
  std::string token_file;        // ntfy, webhook: sent as a bearer token; may be empty
  std::string secret_file;       // webhook: signs; may be empty
  std::vector<std::pair<std::string, std::string>> headers;  // webhook
  std::vector<std::string> argv;                             // command; argv[0] is absolute
  bool operator==(const Sender&) const = default;
};

struct NotifySettings {
  base::Millis tunnel_degraded_after{300'000};  // not well for so long
  base::Millis tunnel_failed_after{120'000};    // without a connection for so long
  std::map<std::string, Sender> senders;
  bool operator==(const NotifySettings&) const = default;
};

}  // namespace fairlead::core
