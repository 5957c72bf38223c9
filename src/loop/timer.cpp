#include "loop/timer.hpp"

#include <uv.h>

#include <algorithm>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

struct Timer::State {
  uv_timer_t handle;
  Loop* loop;
  const char* name;
  std::function<void()> function;
  std::uint64_t aligned = 0;  // the period; 0: it is not

  void arm(std::uint64_t wait) {
    uv_timer_start(&handle, [](uv_timer_t* timer) { static_cast<State*>(timer->data)->fire(); }, wait, 0);
  }
  // libuv would repeat a period after the moment that it was late.
  void arm_aligned() { arm(aligned - uv_now(loop->raw()) % aligned); }
  void fire() {
    if (aligned > 0) arm_aligned();
    loop->call(name, [this] { function(); });  // we outlive the call: freed in the close callback
  }
};

Timer::Timer(Loop& loop, const char* name, std::function<void()> function)
    : state_(new State{{}, &loop, name, std::move(function), 0}) {
  uv_timer_init(loop.raw(), &state_->handle);
  state_->handle.data = state_;
  loop.opened(name);
}

Timer::~Timer() {
  uv_timer_stop(&state_->handle);
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle), [](uv_handle_t* handle) {
    auto* state = static_cast<State*>(handle->data);
    state->loop->closed(state->name);
    delete state;
  });
}

namespace {
std::uint64_t clamp(base::Millis duration) {
  return duration.count() < 0 ? 0 : static_cast<std::uint64_t>(duration.count());
}
}  // namespace

void Timer::start(base::Millis after) {
  uv_update_time(state_->loop->raw());  // a long callback must not shorten the wait
  state_->aligned = 0;
  state_->arm(clamp(after));
}

void Timer::start_repeating(base::Millis every) {
  start(every);
  uv_timer_set_repeat(&state_->handle, clamp(every));
}

void Timer::start_aligned(base::Millis every) {
  uv_update_time(state_->loop->raw());
  state_->aligned = std::max<std::uint64_t>(1, clamp(every));
  state_->arm_aligned();
}

void Timer::stop() {
  uv_timer_stop(&state_->handle);
}
bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&state_->handle)) != 0;
}
base::Millis Timer::remaining() const {
  return active() ? base::Millis(uv_timer_get_due_in(&state_->handle)) : base::Millis(0);
}

}  // namespace fairlead::loop
