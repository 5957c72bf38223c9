#include "loop/poll.hpp"

#include <uv.h>

#include <cstdlib>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

struct Poll::State {
  uv_poll_t handle;
  Loop* loop;
  const char* name;
  std::function<void(Ready)> function;
  int wanted = 0;
};

Poll::Poll(Loop& loop, const char* name, int fd, std::function<void(Ready)> function)
    : state_(new State{{}, &loop, name, std::move(function)}) {
  // Fails only for a bad descriptor, or one that epoll cannot watch: a bug of the caller.
  if (uv_poll_init(loop.raw(), &state_->handle, fd) != 0) std::abort();
  state_->handle.data = state_;
  loop.opened(name);
}

Poll::~Poll() {
  uv_poll_stop(&state_->handle);
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle), [](uv_handle_t* handle) {
    auto* state = static_cast<State*>(handle->data);
    state->loop->closed(state->name);
    delete state;
  });
}

void Poll::want(bool read, bool write) {
  const int wanted = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
  if (wanted == state_->wanted) return;
  state_->wanted = wanted;
  if (wanted == 0) {
    uv_poll_stop(&state_->handle);
    return;
  }
  uv_poll_start(&state_->handle, wanted, [](uv_poll_t* handle, int status, int events) {
    auto* state = static_cast<State*>(handle->data);
    Ready ready{(events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0};
    if (status <
        0) {  // libuv stopped the watch (EBADF, POLLERR alone): the next read or write tells the reason
      ready = {true, true};
      state->wanted = 0;
    }
    state->loop->call(state->name, [&] { state->function(ready); });
  });
}

}  // namespace fairlead::loop
