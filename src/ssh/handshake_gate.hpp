// At most so many handshakes at once: a site with hundreds of tunnels must not storm a server that has just
// restarted, nor spend seconds of CPU in one go. First come, first served. The name look-up and the TCP
// connection belong to it, else that server would meet them all at once, but not for longer than a second.
// Owned by the TunnelSet; outlives every Pass.
#pragma once
#include <deque>
#include <functional>
#include <memory>

#include "loop/loop.hpp"

namespace fairlead::ssh {

class HandshakeGate {
 public:
  // A place in the queue, then a place inside. Destroying it leaves, wherever it stands.
  class Pass {
   public:
    ~Pass();
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    friend class HandshakeGate;
    Pass(HandshakeGate& gate, std::function<void()> go) : gate_(gate), go_(std::move(go)) {}
    HandshakeGate& gate_;
    std::function<void()> go_;
    bool inside_ = false;
  };

  HandshakeGate(loop::Loop& loop, int limit);
  // `go` is called later, once there is room.
  std::unique_ptr<Pass> enter(std::function<void()> go);

 private:
  void admit();

  int room_;
  std::deque<Pass*> queue_;
  loop::Deferred admit_;
};

}  // namespace fairlead::ssh
