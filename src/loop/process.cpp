#include "loop/process.hpp"

#include <uv.h>

#include <csignal>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

struct Process::State {
  uv_process_t handle;
  Loop* loop;
  const char* name;
  OnExit on_exit;  // empty once the owner is gone
  bool running = false;
  bool owned = true;

  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      auto* state = static_cast<State*>(closed->data);
      state->loop->closed(state->name);
      delete state;
    });
  }
};

namespace {

std::vector<uv_stdio_container_t> descriptors(const std::vector<int>& inherited) {
  std::vector<uv_stdio_container_t> list(3 + inherited.size());
  list[0].flags = list[1].flags = UV_IGNORE;  // /dev/null
  list[2].flags = UV_INHERIT_FD;
  list[2].data.fd = 2;
  for (std::size_t i = 0; i < inherited.size(); ++i) {
    list[3 + i].flags = UV_INHERIT_FD;
    list[3 + i].data.fd = inherited[i];
  }
  return list;
}

}  // namespace

base::Result<std::unique_ptr<Process>> Process::start(Loop& loop, const char* name, const std::string& path,
                                                      std::vector<std::string> arguments,
                                                      const std::vector<int>& inherited, OnExit on_exit) {
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  auto stdio = descriptors(inherited);

  uv_process_options_t options{};
  options.file = path.c_str();
  options.args = argv.data();
  options.env = environment;
  options.flags =
      UV_PROCESS_DETACHED;  // setsid(2): a Ctrl-C at the daemon's terminal is the daemon's to handle
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.exit_cb = [](uv_process_t* handle, std::int64_t status, int signal) {
    auto* state = static_cast<State*>(handle->data);
    state->running = false;
    if (!state->owned) return state->close();
    const auto function = std::move(state->on_exit);
    state->loop->call(state->name, [&] { function(static_cast<int>(status), signal); });
  };

  auto* state = new State{{}, &loop, name, std::move(on_exit)};
  state->handle.data = state;
  const int failure = uv_spawn(loop.raw(), &state->handle, &options);
  loop.opened(name);
  state->running = failure == 0;
  std::unique_ptr<Process> process(
      new Process(state));  // closes the handle, which libuv wants after a failure, too
  if (failure != 0)
    return base::Error{base::Code::io, std::string("cannot be started: ") + uv_strerror(failure), path};
  return process;
}

Process::~Process() {
  state_->on_exit = nullptr;
  state_->owned = false;
  if (state_->running)
    uv_process_kill(&state_->handle, SIGKILL);
  else
    state_->close();
}

void Process::kill(int signal) {
  if (state_->running) uv_process_kill(&state_->handle, signal);
}

int Process::pid() const {
  return state_->handle.pid;
}
bool Process::running() const {
  return state_->running;
}

}  // namespace fairlead::loop
