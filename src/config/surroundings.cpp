#include "config/surroundings.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "base/file.hpp"

namespace fairlead::config {

namespace {

constexpr std::size_t kNameBuffer = 65536;  // a group's record holds all its members

// A folder from the environment; the XDG base directory specification has relative ones ignored.
std::string folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value && value[0] == '/' ? value : "";
}

}  // namespace

Surroundings Surroundings::of_process() {
  Surroundings here;
  here.uid = ::geteuid();
  std::vector<char> buffer(kNameBuffer);
  passwd record{};
  passwd* found = nullptr;
  ::getpwuid_r(here.uid, &record, buffer.data(), buffer.size(), &found);
  if (found) here.user = found->pw_name;
  char machine[256] = {};  // HOST_NAME_MAX is 64
  if (::gethostname(machine, sizeof machine - 1) == 0) here.machine = machine;
  here.home = folder_from("HOME");
  if (here.home.empty() && found && found->pw_dir && found->pw_dir[0] == '/') here.home = found->pw_dir;
  here.config_home = folder_from("XDG_CONFIG_HOME");
  here.state_home = folder_from("XDG_STATE_HOME");
  here.runtime_home = folder_from("XDG_RUNTIME_DIR");
  if (here.config_home.empty() && !here.home.empty())
    here.config_home = base::join_path(here.home, ".config");
  if (here.state_home.empty() && !here.home.empty())
    here.state_home = base::join_path(here.home, ".local/state");
  if (here.runtime_home.empty()) {
    const std::string usual = "/run/user/" + std::to_string(here.uid);
    if (base::exists(usual)) here.runtime_home = usual;
  }
  return here;
}

std::optional<std::uint32_t> uid_of(const std::string& user) {
  std::vector<char> buffer(kNameBuffer);
  passwd record{};
  passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &record, buffer.data(), buffer.size(), &found);
  return found ? std::optional<std::uint32_t>(found->pw_uid) : std::nullopt;
}

std::optional<std::uint32_t> gid_of(const std::string& group) {
  std::vector<char> buffer(kNameBuffer);
  ::group record{};
  ::group* found = nullptr;
  ::getgrnam_r(group.c_str(), &record, buffer.data(), buffer.size(), &found);
  return found ? std::optional<std::uint32_t>(found->gr_gid) : std::nullopt;
}

}  // namespace fairlead::config
