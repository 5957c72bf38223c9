// What the configuration takes from the invoking user and the machine: read once per load, a plain value
// after that.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::config {

struct Surroundings {
  uid_t uid = 0;
  std::string user;          // name of the effective uid; empty when it has none
  std::string machine;       // its host name; empty when it has none
  std::string home;          // absolute: $HOME, else the user database's; empty when neither has one
  std::string config_home;   // $XDG_CONFIG_HOME or ~/.config
  std::string state_home;    // $XDG_STATE_HOME or ~/.local/state
  std::string runtime_home;  // $XDG_RUNTIME_DIR, or /run/user/UID when that exists, or empty

  static Surroundings of_process();
};

// Ids by name from the machine's user and group database.
std::optional<std::uint32_t> uid_of(const std::string& user);
std::optional<std::uint32_t> gid_of(const std::string& group);

}  // namespace fairlead::config
