#include "loop/work.hpp"

#include <netdb.h>
#include <uv.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

// Freed by whichever comes last: the completion on the loop, or the owner's destructor.
struct Work::State {
  uv_work_t request;
  Loop* loop;
  const char* name;
  std::function<void()> job;
  std::function<void()> done;
  bool finished = false;
  bool abandoned = false;
};

Work::Work(Loop& loop, const char* name, std::function<void()> job, std::function<void()> done)
    : state_(new State{{}, &loop, name, std::move(job), std::move(done)}) {
  state_->request.data = state_;
  loop.opened(name);
  const int queued = uv_queue_work(
      loop.raw(), &state_->request, [](uv_work_t* request) { static_cast<State*>(request->data)->job(); },
      [](uv_work_t* request, int) {
        auto* state = static_cast<State*>(request->data);
        Loop& owner_loop = *state->loop;
        const char* work_name = state->name;
        const auto finish = std::move(state->done);
        state->finished = true;
        state->job = nullptr;
        if (state->abandoned)
          delete state;
        else
          owner_loop.call(work_name, finish);  // may destroy the owner, which then frees the state
        owner_loop.closed(work_name);
      });
  if (queued != 0) std::abort();
}

Work::~Work() {
  if (state_->finished) {
    delete state_;
    return;
  }
  state_->abandoned = true;
  uv_cancel(reinterpret_cast<uv_req_t*>(&state_->request));
}

namespace {

base::Result<Addresses> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  int failure = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (failure == EAI_NONAME || failure == EAI_ADDRFAMILY) {
    hints.ai_flags = 0;  // AI_ADDRCONFIG hides loopback names on a machine whose links are all down
    failure = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  }
  if (failure != 0)
    return base::Error{base::Code::not_found, std::string("cannot resolve: ") + ::gai_strerror(failure),
                       host};
  Addresses addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    addresses.push_back(Address::from(entry->ai_addr, entry->ai_addrlen));
  ::freeaddrinfo(list);
  return addresses;
}

}  // namespace

std::unique_ptr<Work> resolve(Loop& loop, const std::string& host, std::uint16_t port,
                              std::function<void(base::Result<Addresses>)> done) {
  return submit<base::Result<Addresses>>(
      loop, "resolve", [host, port] { return look_up(host, port); }, std::move(done));
}

}  // namespace fairlead::loop
