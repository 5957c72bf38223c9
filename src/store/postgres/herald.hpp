// Says one NOTIFY through a connection of its own, and closes it. Behind a pooler that is how a listener
// learns whether its server process is its own: what it says itself comes back to it in either case. Owned by
// Connection; loop thread only. `done` comes once, later, and may destroy it; nothing comes after it is
// destroyed. Sets itself no deadline: its owner has one.
#pragma once
#include <libpq-fe.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"

namespace fairlead::store::postgres {

class Herald {
 public:
  using Done = std::function<void(base::Result<>)>;
  // `options`: libpq's, of the same place as the listener's.
  Herald(loop::Loop& loop, const std::map<std::string, std::string>& options, std::string channel,
         std::string payload, Done done);
  ~Herald();
  Herald(const Herald&) = delete;
  Herald& operator=(const Herald&) = delete;

 private:
  void watch(bool readable, bool writable);
  void on_event();
  void go_on_connecting();
  void go_on_saying();
  void close();
  void end(base::Result<> result);

  loop::Loop& loop_;
  const std::string channel_, payload_;
  Done done_;
  PGconn* connection_ = nullptr;
  bool connected_ = false;
  std::unique_ptr<loop::Poll> poll_;  // gone before libpq closes or changes its descriptor
  base::Result<> result_ = base::success();
  loop::Deferred ended_;
};

}  // namespace fairlead::store::postgres
