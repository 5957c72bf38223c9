// Which troubles of tunnels people should hear of. Fed with every change of a tunnel's state; asked, with the
// time, for what is due. Pure: owns no timer and reads no clock. Owned by app/.
//
// A tunnel's trouble begins when it is not `connected` and ends when it is again:
// - without a connection (`starting`, `reconnecting`, `failed`) for `failed_after`: "tunnel_failed";
// - not `connected` for `degraded_after`, and nothing said yet: "tunnel_degraded";
// - `connected` after one of the two: "tunnel_recovered".
// Each is said once for one trouble. What ends before its threshold is never spoken of. Stopped by an
// operator, or gone from the configuration: the trouble is forgotten. Stopped because its configuration
// changed: what was said is remembered, so that the recovery is told.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "core/config.hpp"
#include "core/notice.hpp"
#include "core/tunnel_state.hpp"

namespace fairlead::notify {

struct TunnelChange {
  std::string tunnel;
  core::TunnelState state = core::TunnelState::stopped;
  core::Reason reason = core::Reason::none;
  std::string detail;  // the reason's text with its specifics: "auth refused: publickey"
};

struct TunnelThresholds {
  base::Millis degraded_after;
  base::Millis failed_after;
};

class TunnelWatch {
 public:
  explicit TunnelWatch(TunnelThresholds thresholds) : thresholds_(thresholds) {}

  // `now` never goes back. The notice to send at once, if there is one.
  std::optional<core::Notice> on_change(const TunnelChange& change, base::SteadyTime now,
                                        base::WallTime wall);
  // What has become due.
  std::vector<core::Notice> due(base::SteadyTime now, base::WallTime wall);
  // When due() may have something next.
  std::optional<base::SteadyTime> next_due() const;

  // They hold for troubles that last already, too.
  void set_thresholds(TunnelThresholds thresholds) { thresholds_ = thresholds; }
  // Forgets the tunnels that are not in the configuration any more.
  void keep_only(const std::map<std::string, core::Tunnel>& tunnels);

 private:
  enum class Said : std::uint8_t { nothing, degraded, failed };
  struct Trouble {
    core::TunnelState state = core::TunnelState::starting;
    base::SteadyTime since;                        // not connected
    std::optional<base::SteadyTime> without_line;  // since when there has been no connection
    Said said = Said::nothing;
    core::Reason reason = core::Reason::none;  // the last that was given
    std::string detail;
  };
  std::optional<base::SteadyTime> due_at(const Trouble& trouble) const;
  core::Notice tell(const std::string& tunnel, Trouble& trouble, base::SteadyTime now,
                    base::WallTime wall) const;

  TunnelThresholds thresholds_;
  std::map<std::string, Trouble, std::less<>> troubles_;
};

}  // namespace fairlead::notify
