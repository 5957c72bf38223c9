#include "http/control_socket.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "loop/address.hpp"

namespace fairlead::http {

namespace {

using base::Code;
using base::Error;
using base::Result;

Error path_error(std::string_view what, const std::string& path) {
  Error error = base::os_error(what, errno);
  error.where = path;
  return error;
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

std::optional<gid_t> group_of(const ControlSocketPlan& plan) {
  if (!plan.system_mode) return std::nullopt;
  const group* entry = ::getgrnam(plan.group.c_str());  // at start-up: nobody else asks at the same time
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

// A folder that was there before is somebody's: its owner, group and mode are looked at and left alone.
Result<> check_folder(const std::string& path, std::optional<gid_t> group) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return path_error("cannot stat", path);
  if (!S_ISDIR(facts.st_mode)) return Error{Code::io, "is in the way: not a folder", path};
  const bool groups = group && facts.st_gid == *group;
  const bool roots = facts.st_uid == 0 && groups;  // made for us by the init system
  if (facts.st_uid != ::geteuid() && !roots)
    return Error{Code::io, "belongs to another user: remove it, or set another `runtime_dir`", path};
  // Whoever can write there can put a socket in the place of ours. Where the folder is not ours, the group's
  // right to write is the one by which we do.
  const bool ours = facts.st_uid == ::geteuid();
  const mode_t allowed = !groups ? 0700 : ours ? 0750 : 0770;
  const mode_t wider = facts.st_mode & 07777 & ~allowed & ~mode_t{S_ISGID};
  if (wider == 0) return base::success();
  return Error{Code::io,
               "is open to other users (mode " + octal(facts.st_mode) +
                   "): set another `runtime_dir`; or, if this one has no other use, chmod " + octal(allowed) +
                   " " + path,
               path};
}

Result<> prepare_folder(const std::string& path, std::optional<gid_t> group) {
  if (auto made = base::make_directories(base::parent_of(path), 0755); !made) return made;
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return check_folder(path, group);
    return path_error("cannot make folder", path);
  }
  // Whoever may not change the group (not root, not a member) leaves it to those who are: then only the
  // owner gets in.
  if (group && ::chown(path.c_str(), uid_t(-1), *group) == 0 && ::chmod(path.c_str(), 0750) != 0)
    return path_error("cannot set the mode of", path);
  return base::success();
}

// Whether members of the group get as far as the socket.
bool open_to(const std::string& folder, gid_t group) {
  struct stat facts{};
  return ::lstat(folder.c_str(), &facts) == 0 && facts.st_gid == group && (facts.st_mode & S_IXGRP) != 0;
}

// A UNIX connect succeeds or fails at once; EAGAIN means a live listener with a full queue.
bool answers(const loop::Address& address) {
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return fd && (::connect(fd.get(), address.raw(), address.length()) == 0 || errno == EAGAIN);
}

Result<> remove_stale(const std::string& path, const loop::Address& address) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return base::success();
    return path_error("cannot stat", path);
  }
  if (!S_ISSOCK(facts.st_mode)) return Error{Code::conflict, "is in the way: not a socket; remove it", path};
  if (answers(address)) return Error{Code::conflict, "another daemon answers on this socket", path};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return path_error("cannot remove the stale socket", path);
  return base::success();
}

}  // namespace

std::string control_socket_path(const std::string& runtime_dir) {
  return base::join_path(runtime_dir, "control.sock");
}

Result<ControlSocket> ControlSocket::open(const ControlSocketPlan& plan) {
  ControlSocket out;
  const std::string path = control_socket_path(plan.runtime_dir);
  const auto address = loop::Address::unix_path(path);
  if (!address) return address.error();
  const auto group = group_of(plan);
  if (auto ready = prepare_folder(plan.runtime_dir, group); !ready) return ready.error();
  if (auto gone = remove_stale(path, *address); !gone) return gone.error();

  const mode_t before = ::umask(0177);  // never open wider than meant, not even for a moment
  auto listener = loop::listen_on(*address);
  ::umask(before);
  if (!listener) return listener.error();
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return path_error("cannot stat", path);
  out.path_ = path;
  out.device_ = facts.st_dev;
  out.inode_ = facts.st_ino;
  out.listener_ = std::move(*listener);
  out.shared_ = group && open_to(plan.runtime_dir, *group) &&
                (facts.st_gid == *group || ::chown(path.c_str(), uid_t(-1), *group) == 0);
  if (out.shared_ && ::chmod(path.c_str(), 0660) != 0) return path_error("cannot set the mode of", path);
  return out;
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      listener_(std::move(other.listener_)),
      shared_(other.shared_),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket::~ControlSocket() {
  struct stat facts{};
  if (path_.empty() || ::lstat(path_.c_str(), &facts) != 0) return;
  if (facts.st_dev == device_ && facts.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace fairlead::http
