// A forward whose listener is here (ssh -L). The listener outlives sessions: it keeps its port while the line
// is down, and then resets whoever connects, at once, rather than leave them waiting.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "core/config.hpp"
#include "core/status.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "ssh/active_count.hpp"
#include "ssh/session.hpp"

namespace fairlead::ssh {

// The sockets of one local forward ("localhost" is 127.0.0.1 and ::1). Owned by a Tunnel.
class LocalListener {
 public:
  using OnConnection = std::function<void(base::UniqueFd)>;

  // Binds; a port in use is Code::conflict. IPv6 loopback is taken when the machine has it.
  static base::Result<std::vector<base::UniqueFd>> bind(const core::Endpoint& endpoint);

  LocalListener(loop::Loop& loop, std::vector<base::UniqueFd> fds, core::ForwardStatus& counters);
  // Null: reset whoever comes.
  void serve(OnConnection on_connection) { on_connection_ = std::move(on_connection); }
  // Copies of the descriptors, for a successor that takes the port over without a gap.
  base::Result<std::vector<base::UniqueFd>> duplicate() const;

 private:
  void on_ready(std::size_t index);
  void resume();

  std::vector<base::UniqueFd> fds_;
  core::ForwardStatus& counters_;
  OnConnection on_connection_;
  std::vector<std::unique_ptr<loop::Poll>> polls_;
  loop::Timer pause_;  // out of descriptors: looks again later instead of spinning
};

// While a session is open: turns accepted sockets into channels. Owned by the Line; dies before the session.
class LocalForward {
 public:
  LocalForward(Session& session, LocalListener& listener, core::ForwardStatus& counters);
  ~LocalForward();
  LocalForward(const LocalForward&) = delete;
  LocalForward& operator=(const LocalForward&) = delete;

 private:
  struct Waiting {
    ChannelOpener::Id id = 0;
    base::UniqueFd fd;
    ActiveCount count;
  };
  void on_connection(base::UniqueFd fd);
  void on_opened(std::list<Waiting>::iterator waiting, OpenResult result, ChannelPtr channel);

  Session& session_;
  LocalListener& listener_;
  core::ForwardStatus& counters_;
  std::list<Waiting> waiting_;
};

}  // namespace fairlead::ssh
