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
};

Timer::Timer(Loop& loop, const char* name, std::function<void()> function)
    : state_(new State{{}, &loop, name, std::move(function)}) {
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
  uv_timer_start(
      &state_->handle,
      [](uv_timer_t* handle) {
        auto* state = static_cast<State*>(handle->data);  // outlives the call: freed in the close callback
        state->loop->call(state->name, [state] { state->function(); });
      },
      clamp(after), 0);
}

void Timer::start_repeating(base::Millis every) {
  start(every);
  uv_timer_set_repeat(&state_->handle, clamp(every));
}

void Timer::start_aligned(base::Millis every) {
  uv_update_time(state_->loop->raw());
  const auto period = std::max<std::uint64_t>(1, clamp(every));
  const auto wait = period - uv_now(state_->loop->raw()) % period;
  start(base::Millis(wait));
  uv_timer_set_repeat(&state_->handle, period);
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
