// A child process of the daemon itself: the spawner and the policy host, nothing else (every other child is
// started by the spawner). Its end is told on the loop.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fairlead::loop {

class Loop;

class Process {
 public:
  // With the exit code and 0, or with 0 and the number of the signal that ended it. May destroy the Process.
  using OnExit = std::function<void(int status, int signal)>;

  // Runs the program at `path` with argv `arguments` (argv[0] included), in a session of its own, with an
  // empty environment, default signals and the descriptors `inherited` as 3, 4, …; stdin and stdout are
  // /dev/null, stderr is ours. The caller keeps `inherited`, and may close them right after. Code::io names
  // the path when it cannot start.
  static base::Result<std::unique_ptr<Process>> start(Loop& loop, const char* name, const std::string& path,
                                                      std::vector<std::string> arguments,
                                                      const std::vector<int>& inherited, OnExit on_exit);
  // KILL, if it still runs; it is reaped before its handle closes, so that no zombie is left.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill(int signal);  // nothing happens when it has ended
  int pid() const;
  bool running() const;

 private:
  struct State;
  explicit Process(State* state) : state_(state) {}
  State* state_;
};

}  // namespace fairlead::loop
