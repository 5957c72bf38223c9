#include "notify/tunnel_watch.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::notify {

namespace {

using core::TunnelState;

bool has_line(TunnelState state) {
  return state == TunnelState::connected || state == TunnelState::degraded;
}

core::Notice about(const std::string& tunnel, std::string event, const std::string& what,
                   base::WallTime wall) {
  core::Notice notice;
  notice.event = std::move(event);
  notice.subject = tunnel;
  notice.severity = core::Severity::high;
  notice.title = "tunnel " + tunnel + " " + what;
  notice.at = wall;
  return notice;
}

std::string whole_seconds(base::SteadyTime::duration time) {
  return base::format_duration(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

std::optional<core::Notice> TunnelWatch::on_change(const TunnelChange& change, base::SteadyTime now,
                                                   base::WallTime wall) {
  const auto found = troubles_.find(change.tunnel);
  if (change.state == TunnelState::stopped) {
    const bool comes_back = change.reason == core::Reason::config_changed;
    if (found != troubles_.end() && (!comes_back || found->second.said == Said::nothing))
      troubles_.erase(found);
    return std::nullopt;
  }
  if (change.state == TunnelState::connected) {
    if (found == troubles_.end()) return std::nullopt;
    const Trouble over = std::move(found->second);
    troubles_.erase(found);
    if (over.said == Said::nothing) return std::nullopt;
    core::Notice notice = about(change.tunnel, "tunnel_recovered", "is well again", wall);
    notice.text = "connected, after " + whole_seconds(now - over.since);
    return notice;
  }
  Trouble& trouble = found != troubles_.end() ? found->second : troubles_[change.tunnel];
  if (found == troubles_.end()) trouble.since = now;
  trouble.state = change.state;
  if (has_line(change.state))
    trouble.without_line.reset();
  else if (!trouble.without_line)
    trouble.without_line = now;
  // A new attempt says nothing about why the last one failed.
  if (!change.detail.empty()) {
    trouble.reason = change.reason;
    trouble.detail = change.detail;
  }
  return std::nullopt;
}

std::optional<base::SteadyTime> TunnelWatch::due_at(const Trouble& trouble) const {
  std::optional<base::SteadyTime> at;
  if (trouble.without_line && trouble.said != Said::failed)
    at = *trouble.without_line + thresholds_.failed_after;
  if (trouble.said == Said::nothing) {
    const auto degraded = trouble.since + thresholds_.degraded_after;
    at = at ? std::min(*at, degraded) : degraded;
  }
  return at;
}

std::vector<core::Notice> TunnelWatch::due(base::SteadyTime now, base::WallTime wall) {
  std::vector<core::Notice> notices;
  for (auto& [tunnel, trouble] : troubles_) {
    const auto at = due_at(trouble);
    if (at && *at <= now) notices.push_back(tell(tunnel, trouble, now, wall));
  }
  return notices;
}

// The worse of the two where both are due.
core::Notice TunnelWatch::tell(const std::string& tunnel, Trouble& trouble, base::SteadyTime now,
                               base::WallTime wall) const {
  const bool failed = trouble.without_line && *trouble.without_line + thresholds_.failed_after <= now;
  trouble.said = failed ? Said::failed : Said::degraded;
  core::Notice notice = failed ? about(tunnel, "tunnel_failed", "has no connection", wall)
                               : about(tunnel, "tunnel_degraded", "is not well", wall);
  const auto since = failed ? *trouble.without_line : trouble.since;
  notice.text = std::string(to_string(trouble.state)) + ", for " + whole_seconds(now - since);
  if (!trouble.detail.empty()) notice.text += "\n" + trouble.detail;
  if (const auto hint = core::describe(trouble.reason).hint; !hint.empty())
    notice.text += "\nhint: " + std::string(hint);
  return notice;
}

std::optional<base::SteadyTime> TunnelWatch::next_due() const {
  std::optional<base::SteadyTime> next;
  for (const auto& [tunnel, trouble] : troubles_) {
    const auto at = due_at(trouble);
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

void TunnelWatch::keep_only(const std::map<std::string, core::Tunnel>& tunnels) {
  std::erase_if(troubles_, [&](const auto& entry) { return !tunnels.contains(entry.first); });
}

}  // namespace fairlead::notify
