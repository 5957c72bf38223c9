// All that lives exactly as long as one connection of a tunnel: the session, its forwards, its prover, its
// keepalive. A Tunnel makes one for every attempt and destroys it when it ends.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/status.hpp"
#include "loop/timer.hpp"
#include "ssh/local_forward.hpp"
#include "ssh/prover.hpp"
#include "ssh/remote_forward.hpp"
#include "ssh/session.hpp"

namespace fairlead::ssh {

class Line {
 public:
  struct Handlers {
    std::function<bool()> on_connected;            // see Session
    std::function<void()> on_granted;              // every listener is granted: the handshake is over
    std::function<void()> on_ready;                // and every forward was tried once
    std::function<void(base::Millis)> on_crossed;  // a probe crossed, after so long
    std::function<void(Failure)> on_ended;         // once; the tunnel then destroys the line
  };
  // `statuses` and `listeners` (by forward index, null for remote ones) belong to the tunnel and outlive the
  // line.
  Line(SessionSite& site, std::shared_ptr<const core::Tunnel> tunnel,
       std::vector<core::ForwardStatus>& statuses, std::vector<LocalListener*> listeners, Handlers handlers);
  ~Line();

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  void close();  // says goodbye; nothing is called afterwards

 private:
  void on_open();

  SessionSite& site_;
  std::shared_ptr<const core::Tunnel> tunnel_;
  std::vector<core::ForwardStatus>& statuses_;
  std::vector<LocalListener*> listeners_;
  Handlers handlers_;
  Session session_;
  std::vector<std::unique_ptr<RemoteForward>> remotes_;  // by forward index, null for local ones
  std::vector<std::unique_ptr<LocalForward>> locals_;
  std::unique_ptr<Prover> prover_;
  loop::Timer keepalive_;
};

}  // namespace fairlead::ssh
