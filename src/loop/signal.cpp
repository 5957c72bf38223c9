#include "loop/signal.hpp"

#include <uv.h>

#include <cstdlib>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

struct Signal::State {
  uv_signal_t handle;
  Loop* loop;
  const char* name;
  std::function<void()> function;
};

Signal::Signal(Loop& loop, const char* name, int number, std::function<void()> function)
    : state_(new State{{}, &loop, name, std::move(function)}) {
  if (uv_signal_init(loop.raw(), &state_->handle) != 0) std::abort();
  state_->handle.data = state_;
  loop.opened(name);
  uv_signal_start(
      &state_->handle,
      [](uv_signal_t* handle, int) {
        auto* state = static_cast<State*>(handle->data);
        state->loop->call(state->name, [state] { state->function(); });
      },
      number);
}

Signal::~Signal() {
  uv_signal_stop(&state_->handle);
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle), [](uv_handle_t* handle) {
    auto* state = static_cast<State*>(handle->data);
    state->loop->closed(state->name);
    delete state;
  });
}

}  // namespace fairlead::loop
