#include "ssh/handshake_gate.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::ssh {

HandshakeGate::HandshakeGate(loop::Loop& loop, int limit)
    : room_(limit), admit_(loop, "handshake-gate", [this] { admit(); }) {}

std::unique_ptr<HandshakeGate::Pass> HandshakeGate::enter(std::function<void()> go) {
  std::unique_ptr<Pass> pass(new Pass(*this, std::move(go)));
  queue_.push_back(pass.get());
  admit_.schedule();
  return pass;
}

void HandshakeGate::admit() {
  while (room_ > 0 && !queue_.empty()) {
    Pass* pass = queue_.front();
    queue_.pop_front();
    pass->inside_ = true;
    --room_;
    const auto go = std::move(pass->go_);
    go();  // may destroy the pass
  }
}

HandshakeGate::Pass::~Pass() {
  if (!inside_) {
    std::erase(gate_.queue_, this);
    return;
  }
  ++gate_.room_;
  if (!gate_.queue_.empty()) gate_.admit_.schedule();
}

}  // namespace fairlead::ssh
