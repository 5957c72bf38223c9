// One running `fairlead-host policy`: its socket, its page and its end. Knows nothing of hooks. Loop thread
// only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/line_socket.hpp"
#include "base/result.hpp"
#include "core/policy_page.hpp"
#include "loop/poll.hpp"
#include "loop/process.hpp"

namespace fairlead::policy {

class HostProcess {
 public:
  struct Handlers {
    std::function<void(const std::string& line)> line;
    std::function<void(const std::string& why)>
        gone;  // once; neither may destroy the HostProcess, only retire() it
  };
  // `host`: path of fairlead-host.
  static base::Result<std::unique_ptr<HostProcess>> start(loop::Loop& loop, const std::string& host,
                                                          Handlers handlers);
  ~HostProcess();  // KILLs it
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;

  void send(std::string_view line);  // goes out with flush(), or when the socket takes more
  void flush();
  // Hands out what has arrived, now: before anybody is blamed for being late.
  void receive();

  // Nothing is handed out any more. To be called before an owner drops it inside one of the handlers.
  void retire();

  int pid() const { return process_->pid(); }
  base::Millis cpu_used() const;  // since its start; zero when that cannot be told
  const core::PolicyPage& page() const { return *page_; }

 private:
  struct Unmap {
    void operator()(core::PolicyPage* page) const;
  };
  HostProcess(loop::Loop& loop, base::UniqueFd socket, std::unique_ptr<core::PolicyPage, Unmap> page,
              Handlers handlers);
  void lose(const std::string& why);

  base::LineSocket socket_;
  std::unique_ptr<core::PolicyPage, Unmap> page_;
  Handlers handlers_;
  std::unique_ptr<loop::Process> process_;
  loop::Poll poll_;
  bool retired_ = false;
};

}  // namespace fairlead::policy
