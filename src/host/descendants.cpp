#include "host/descendants.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "host/pidfd.hpp"

namespace fairlead::host {

namespace {

// Of "/proc/PID/stat": "PID (any name) STATE PPID PGRP …", proc(5). Nothing when the process is gone.
std::optional<Descendant> look_at(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  char text[512];
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = file ? ::read(file.get(), text, sizeof text) : -1;
  if (size <= 0) return std::nullopt;
  const std::string_view stat(text, static_cast<std::size_t>(size));
  const auto name_end = stat.rfind(')');  // the name may hold ")" itself; nothing after it does
  if (name_end == std::string_view::npos || stat.size() < name_end + 5) return std::nullopt;
  Descendant found{pid, 0, 0};
  const char* last = text + size;
  const auto parent = std::from_chars(text + name_end + 4, last, found.parent);  // ") S 1 …"
  if (parent.ec != std::errc{} || last - parent.ptr < 2) return std::nullopt;
  if (std::from_chars(parent.ptr + 1, last, found.group).ec != std::errc{}) return std::nullopt;
  return found;
}

// Sends to this very process, and not to another that got its number meanwhile: the descriptor is taken
// first, and then the process must still have the parent that made it ours, or be one that was handed to us.
void send(const Descendant& process, int signal, bool to_group) {
  const base::UniqueFd fd(::pidfd_open(process.pid, 0));
  if (!fd) return;
  const auto now = look_at(process.pid);
  if (!now || (now->parent != process.parent && now->parent != ::getpid())) return;
  // A tree's groups are its own: its root began a session, and groups do not reach over sessions. Ours is met
  // only in a child that has not come to its setsid() yet.
  if (to_group && now->group > 1 && now->group != ::getpgrp()) ::kill(-now->group, signal);
  ::pidfd_send_signal(fd.get(), signal, nullptr, 0);
}

}  // namespace

std::vector<Descendant> descendants_of(pid_t root, const std::set<pid_t>& except) {
  std::multimap<pid_t, Descendant> by_parent;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  if (!folder) return {};
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto number = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (number.ec != std::errc{} || number.ptr != name.data() + name.size() || except.count(pid) > 0)
      continue;
    if (const auto found = look_at(pid)) by_parent.emplace(found->parent, *found);
  }
  std::vector<Descendant> below;
  const auto add_children = [&](pid_t parent) {
    const auto [first, last] = by_parent.equal_range(parent);
    for (auto child = first; child != last; ++child) below.push_back(child->second);
    by_parent.erase(first, last);  // so that numbers used again meanwhile cannot make a circle
  };
  add_children(root);
  for (std::size_t i = 0; i < below.size(); ++i) add_children(below[i].pid);
  return below;
}

void terminate(const std::vector<Descendant>& processes) {
  for (const auto& process : processes) send(process, SIGTERM, false);
  for (const auto& process : processes) send(process, SIGCONT, false);
}

void kill_groups(const std::vector<Descendant>& processes) {
  for (const auto& process : processes) send(process, SIGKILL, true);
}

}  // namespace fairlead::host
