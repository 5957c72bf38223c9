#include "config/paths.hpp"

#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"

namespace fairlead::config {

std::string normal_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const auto part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  std::string normal;
  for (const auto part : parts) normal.append("/").append(part);
  return normal.empty() ? "/" : normal;
}

PathRules::PathRules(const Location& location, const Surroundings& here)
    : system_mode_(location.system_mode),
      here_(here),
      base_(normal_path(system_mode_ ? base::parent_of(location.file) : here.home)),
      folder_(base::parent_of(location.file)) {}

std::optional<std::string> PathRules::resolve(std::string_view path) const {
  if (path == "~") return base_;
  if (path.starts_with("~/"))
    path.remove_prefix(2);
  else if (path.starts_with('~'))
    return std::nullopt;
  else if (path.starts_with('/'))
    return normal_path(path);
  while (path.starts_with('/')) path.remove_prefix(1);  // "~//x"
  return normal_path(base::join_path(base_, path));
}

std::string PathRules::state_dir() const {
  return system_mode_ ? "/var/lib/fairlead" : normal_path(here_.state_home + "/fairlead");
}

std::string PathRules::runtime_dir(const std::string& state_dir) const {
  if (system_mode_) return "/run/fairlead";
  if (!here_.runtime_home.empty()) return normal_path(here_.runtime_home + "/fairlead");
  return normal_path(state_dir + "/run");
}

std::string PathRules::known_hosts() const {
  return system_mode_ ? "/etc/fairlead/known_hosts" : normal_path(here_.home + "/.ssh/known_hosts");
}

std::string PathRules::hooks_dir() const {
  return normal_path(folder_ + "/hooks");
}

std::string PathRules::ssh_key() const {
  return system_mode_ ? "" : normal_path(here_.home + "/.ssh/id_ed25519");
}

}  // namespace fairlead::config
