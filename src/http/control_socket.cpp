#include "http/control_socket.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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

std::optional<gid_t> group_of(const ControlSocketPlan& plan) {
  if (!plan.system_mode) return std::nullopt;
  const group* entry = ::getgrnam(plan.group.c_str());  // at start-up: nobody else asks at the same time
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

Result<> prepare_folder(const std::string& path, std::optional<gid_t> group) {
  if (auto made = base::make_directories(path, 0700); !made) return made;
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return path_error("cannot stat", path);
  if (!S_ISDIR(facts.st_mode)) return Error{Code::io, "is in the way: not a folder", path};
  const bool roots = facts.st_uid == 0 && group && facts.st_gid == *group;  // made for us by the init system
  if (facts.st_uid != ::geteuid() && !roots)
    return Error{Code::io, "belongs to another user: remove it, or set another `runtime_dir`", path};
  if (facts.st_uid != ::geteuid()) return base::success();
  // Whoever may not change the group (not root, not a member) leaves it to those who are: then only the
  // owner gets in.
  const bool shared = group && (facts.st_gid == *group || ::chown(path.c_str(), uid_t(-1), *group) == 0);
  if (::chmod(path.c_str(), shared ? 0750 : 0700) != 0) return path_error("cannot set the mode of", path);
  return base::success();
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
  if (group && (facts.st_gid == *group || ::chown(path.c_str(), uid_t(-1), *group) == 0) &&
      ::chmod(path.c_str(), 0660) != 0)
    return path_error("cannot set the mode of", path);
  return out;
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      listener_(std::move(other.listener_)),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket::~ControlSocket() {
  struct stat facts{};
  if (path_.empty() || ::lstat(path_.c_str(), &facts) != 0) return;
  if (facts.st_dev == device_ && facts.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace fairlead::http
