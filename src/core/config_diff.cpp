#include "core/config_diff.hpp"

namespace fairlead::core {

TunnelDiff diff_tunnels(const Config& now, const Config& next) {
  TunnelDiff diff;
  for (const auto& [name, tunnel] : now.tunnels)
    if (!next.tunnels.contains(name)) diff.removed.push_back(name);
  for (const auto& [name, tunnel] : next.tunnels) {
    const auto before = now.tunnels.find(name);
    if (before == now.tunnels.end())
      diff.added.push_back(name);
    else
      (before->second == tunnel ? diff.unchanged : diff.changed).push_back(name);
  }
  return diff;
}

}  // namespace fairlead::core
