// How two configurations differ, by tunnel name: what a reload would do. Pure.
#pragma once
#include <string>
#include <vector>

#include "core/config.hpp"

namespace fairlead::core {

struct TunnelDiff {
  std::vector<std::string> added, removed, changed, unchanged;  // each in name order
};

TunnelDiff diff_tunnels(const Config& now, const Config& next);

}  // namespace fairlead::core
