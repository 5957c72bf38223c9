// Connects to the first address of a list that answers: one after the other, under one deadline that is
// shared out evenly, so that one dead address cannot eat the time of the next. Destroying it gives up, with a
// reset: a server that had accepted already must not take that for a stream that ended.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "loop/address.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"

namespace fairlead::loop {

class Connector {
 public:
  using Done = std::function<void(base::Result<base::UniqueFd>)>;
  // `done` is called once, later, and may destroy the Connector. The error is the last address's: timed_out
  // when the deadline passed, io otherwise.
  Connector(Loop& loop, std::vector<Address> addresses, base::Millis deadline, Done done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  void try_next();
  void on_writable();
  void on_timeout();
  void finish(base::Result<base::UniqueFd> result);

  Loop& loop_;
  std::vector<Address> addresses_;
  std::size_t next_ = 0;
  base::SteadyTime end_;
  Done done_;
  base::Error last_error_;
  base::UniqueFd fd_;
  std::unique_ptr<Poll> poll_;
  Timer timer_;
  Deferred begin_;
};

}  // namespace fairlead::loop
