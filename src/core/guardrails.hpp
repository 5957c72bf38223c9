// What no hook can widen: each function takes a verdict as it came and says what will be done, within the
// bounds of the configuration and of the core. Pure. `refused` says in one sentence what of the verdict was
// not followed; empty: all of it was.
#pragma once
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "core/notice.hpp"
#include "core/policy.hpp"

namespace fairlead::core {

struct ReconnectPlan {
  base::Millis delay{0};
  bool stop = false;
  std::string why;  // of stop
  std::string refused;
};
constexpr base::Millis kMostReconnectDelay{24LL * 3600 * 1000};
// `standard`: what the backoff says; `least`: the tunnel's backoff_initial. Without a verdict it is the
// standard.
ReconnectPlan plan_reconnect(const PolicyAnswer& answer, base::Millis standard, base::Millis least);

struct HealthPlan {
  std::optional<base::Millis> hold;  // stay connected for so long; nothing: degraded
  std::string why;
  std::string refused;
};
constexpr base::Millis kMostHold{3600LL * 1000};  // for one failure in all
// `held`: how long this failure has been held already.
HealthPlan plan_health(const PolicyAnswer& answer, base::Millis held);

struct NoticePlan {
  std::optional<Notice> notice;  // nothing: keep quiet
  std::string refused;
};
// What the `notification` transform may change: title, text, severity and senders; never what it is about.
base::Json notice_json(const Notice& notice);
NoticePlan plan_notice(const PolicyAnswer& answer, const Notice& original);

}  // namespace fairlead::core
