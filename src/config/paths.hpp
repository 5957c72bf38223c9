// What `~` and relative paths mean, and where things are unless the file says otherwise. Two modes: system
// (the file lies below /etc) takes the file's folder, user mode the invoking user's home. Pure: a value.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/load.hpp"
#include "config/surroundings.hpp"

namespace fairlead::config {

class PathRules {
 public:
  // In user mode `here.home` must be known: load_text() has checked it.
  PathRules(const Location& location, const Surroundings& here);

  const std::string& base() const { return base_; }
  // Absolute and without `.`, `..` and doubled slashes. Nothing for `~name/…`, which is not supported.
  std::optional<std::string> resolve(std::string_view path) const;

  std::string state_dir() const;
  // Falls back to a folder inside `state_dir` where the machine has no runtime folder for the user.
  std::string runtime_dir(const std::string& state_dir) const;
  std::string known_hosts() const;
  std::string hooks_dir() const;  // beside the file
  std::string ssh_key() const;    // empty in system mode: the file must name one

 private:
  bool system_mode_;
  const Surroundings& here_;
  std::string base_;
  std::string folder_;  // of the file
};

// Lexical: "/a/./b//../c/" is "/a/c". `path` is absolute.
std::string normal_path(std::string_view path);

}  // namespace fairlead::config
