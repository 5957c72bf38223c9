// The control socket's file: RUNTIME_DIR/control.sock, in a folder that only its owner can enter (0700), or,
// in system mode, also the members of the group "fairlead" (0750, the socket 0660). Only a folder that it
// made itself gets a mode and a group; one that was there before (/run, a home) is refused when others can
// enter it.
//
// Owned by app/, from the start until after the server's stop; opening blocks for a moment, so it happens at
// start-up, under the daemon's state lock (two daemons that start at once are kept apart by that lock, not
// by this file).
#pragma once
#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::http {

struct ControlSocketPlan {
  std::string runtime_dir;  // absolute
  bool system_mode = false;
  std::string group = "fairlead";  // system mode only; where it does not exist, only the owner gets in
};

class ControlSocket {
 public:
  // Makes the folder, removes a socket that nobody answers on, listens. Code::conflict when a live daemon
  // answers there, or when something that is not a socket stands in the way. Code::io when the folder
  // belongs to somebody else, or is open to others.
  static base::Result<ControlSocket> open(const ControlSocketPlan& plan);

  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();  // removes the file, unless it is another's by now

  const std::string& path() const { return path_; }
  bool shared() const { return shared_; }                          // the group's members get in too
  base::UniqueFd take_listener() { return std::move(listener_); }  // non-blocking; for Server::start

 private:
  ControlSocket() = default;
  std::string path_;
  base::UniqueFd listener_;
  bool shared_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Where the daemon of that runtime folder listens.
std::string control_socket_path(const std::string& runtime_dir);

}  // namespace fairlead::http
