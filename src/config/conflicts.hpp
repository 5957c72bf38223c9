// Two forwards that want the same listener: found when the file is checked, not when the second is refused.
// Owned by one load.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "core/config.hpp"

namespace fairlead::config {

class ListenClaims {
 public:
  explicit ListenClaims(Problems& problems) : problems_(problems) {}

  // Reports a listener that overlaps with one claimed before: of this machine (local), or of the same SSH
  // server, host and port as written (remote). `at` is the listener's place; `tunnel_at` that of the tunnel's
  // name, shown instead when an alias made both claims one place.
  void claim(const core::Tunnel& tunnel, const core::Forward& forward, Position at, Position tunnel_at);

 private:
  struct Claim {
    std::string tunnel;
    std::string host;
    Position at;
  };
  Problems& problems_;
  std::map<std::string, std::vector<Claim>, std::less<>> claims_;  // by machine and port
};

}  // namespace fairlead::config
