// The daemon's side of `fairlead-host spawner`: every child of the daemon but the policy host goes through
// here. Owned by app/, which makes it before anything has threads. Loop thread only. The protocol:
// core/spawn_protocol.hpp; what a child gets and how it ends: docs/spawner.md.
//
// A spawner process that is gone takes its children along, and their calls end with Code::unavailable; the
// next start() brings a new one up. So a broken installation fails each call with its reason, and nothing
// spins.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/line_socket.hpp"
#include "base/log.hpp"
#include "core/child.hpp"
#include "core/spawn_protocol.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/process.hpp"

namespace fairlead::exec {

// fairlead-host beside the executable (a build folder), then the installed one: the first that exists, or the
// last.
std::string host_path();

class Spawner final : public core::SpawnPort {
 public:
  // Starts the process; when that fails it is logged, and tried again with the first call.
  Spawner(loop::Loop& loop, base::Log& log, std::string host = host_path());
  // KILLs what still runs; stop() before is gentler. Calls may outlive it, and then do nothing.
  ~Spawner() override;
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  std::unique_ptr<core::ChildCall> start(core::ChildSpec spec, Done done, OnOutput on_output = {}) override;

  // Ends all children (TERM, after their grace KILL) and then the process; `gone` is called once, later, when
  // nothing is left of either. The calls under way end with Code::cancelled, and so do later ones.
  void stop(std::function<void()> gone);

  int pid() const { return process_ && process_->running() ? process_->pid() : 0; }  // 0: it is not running
  std::size_t under_way() const { return calls_.size(); }

 private:
  class Call;
  using News = std::pair<core::ChildId, std::variant<core::ChildPiece, base::Result<core::ChildResult>>>;

  base::Result<> submit(core::ChildId id, core::ChildSpec spec);
  base::Result<> bring_up();
  void request(const core::SpawnRequest& request);
  void flush();
  void on_ready(loop::Ready ready);
  void read_reports();
  void on_report(core::SpawnReport report);
  void on_exit(int status, int signal);
  void lose(const base::Error& why);
  void finish(core::ChildId id, base::Result<core::ChildResult> result);
  void finish_all(const base::Error& why);
  void deliver();

  loop::Loop& loop_;
  base::Log& log_;
  std::string host_;
  std::unique_ptr<loop::Process> process_;
  std::unique_ptr<base::LineSocket> socket_;
  std::unique_ptr<loop::Poll> poll_;
  core::ChildId last_id_ = 0;
  std::map<core::ChildId, Call*> calls_;  // not yet called back
  std::vector<News> news_;                // in the order they came, waiting for deliver()
  loop::Deferred deliver_;
  bool stopping_ = false;
  std::function<void()> gone_;
};

}  // namespace fairlead::exec
