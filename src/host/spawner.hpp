// `fairlead-host spawner`: starts every child of the daemon but the policy host, watches it and ends it. One
// thread, one epoll, one socket to the daemon. It outlives the daemon by as long as the children need to end.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "base/line_socket.hpp"
#include "base/unique_fd.hpp"
#include "core/spawn_protocol.hpp"
#include "host/child.hpp"

namespace fairlead::host {

class Spawner {
 public:
  explicit Spawner(base::UniqueFd socket);
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;
  // Until the daemon is gone and every child with it. The exit code: 0, or 65 (EX_DATAERR of sysexits.h) when
  // what came over the socket made no sense.
  int run();

 private:
  // What a descriptor of a child is, in what epoll(7) hands back.
  enum class Part : std::uint64_t { out, err, control, guard };

  void turn();
  void on_socket();
  void on_child(core::ChildId id, Part part);
  void obey(core::SpawnRequest request);
  void start(core::StartChild request);
  void tell(const core::SpawnReport& report);
  void send();
  void leave(int exit_code);
  void on_guard_exit(Child& child);
  void sweep();
  void check_times();
  std::set<pid_t> guards() const;

  void watch(int fd, std::uint64_t key, bool write = false);
  void unwatch(int fd);
  void unwatch(const Child& child, Part part);

  base::LineSocket socket_;
  base::UniqueFd epoll_, timer_;
  std::map<core::ChildId, std::unique_ptr<Child>> children_;
  std::vector<std::unique_ptr<Child>>
      unguarded_;  // their guard was killed; reported when nothing of them is left
  base::BootTime timer_at_;
  bool wants_write_ = false;
  bool leaving_ = false;  // the daemon is gone
  int exit_code_ = 0;
};

}  // namespace fairlead::host
