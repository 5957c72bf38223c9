// A read of the store that is answered in time, whatever the store does: a frozen server would otherwise look
// like a daemon that does not answer. For reads alone; whether a change was made only its own answer tells.
#pragma once
#include <memory>
#include <utility>

#include "core/task_store.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

namespace fairlead::app {

// For the store, in place of `done`: what comes after `time` is dropped, and `done` has had `unavailable`.
template <typename T>
core::Answer<T> read_within(loop::Loop& loop, base::Millis time, core::Answer<T> done) {
  struct Waiting {
    Waiting(loop::Loop& loop, core::Answer<T> answer)
        : done(std::move(answer)), timer(loop, "store-read", [this] {
            tell(base::Error{base::Code::unavailable, "the store does not answer", {}});
          }) {}
    void tell(base::Result<T> result) {
      timer.stop();
      if (const auto once = std::exchange(done, nullptr)) once(std::move(result));
    }
    core::Answer<T> done;
    loop::Timer timer;
  };
  auto waiting = std::make_shared<Waiting>(loop, std::move(done));
  waiting->timer.start(time);
  return [waiting](base::Result<T> result) { waiting->tell(std::move(result)); };
}

}  // namespace fairlead::app
