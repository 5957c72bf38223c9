#include "loop/work.hpp"

#include <netdb.h>
#include <uv.h>

#include <cstdlib>
#include <utility>

#include "loop/loop.hpp"

namespace fairlead::loop {

// One request to libuv. Freed by whichever comes last: the completion on the loop, or the owner's destructor.
struct Work::State {
  State(Loop& owner_loop, const char* work_name, std::function<void()> when_done)
      : loop(owner_loop), name(work_name), done(std::move(when_done)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  virtual ~State() = default;
  virtual uv_req_t* request() = 0;

  // The last thing that a completion does.
  void finish() {
    Loop& owner_loop = loop;
    const char* work_name = name;
    const auto call_back = std::move(done);
    finished = true;
    if (abandoned)
      delete this;
    else
      owner_loop.call(work_name, call_back);  // may destroy the owner, which then frees this
    owner_loop.closed(work_name);
  }

  Loop& loop;
  const char* name;
  std::function<void()> done;
  bool finished = false;
  bool abandoned = false;
};

struct Work::Job : State {
  Job(Loop& owner_loop, const char* work_name, std::function<void()> work, std::function<void()> when_done)
      : State(owner_loop, work_name, std::move(when_done)), job(std::move(work)) {
    raw.data = this;
  }
  uv_req_t* request() override { return reinterpret_cast<uv_req_t*>(&raw); }

  uv_work_t raw{};
  std::function<void()> job;
};

Work::Work(Loop& loop, const char* name, std::function<void()> job, std::function<void()> done)
    : state_(nullptr) {
  auto* const work = new Job(loop, name, std::move(job), std::move(done));
  state_ = work;
  loop.opened(name);
  const int queued = uv_queue_work(
      loop.raw(), &work->raw, [](uv_work_t* request) { static_cast<Job*>(request->data)->job(); },
      [](uv_work_t* request, int) {
        auto* finished = static_cast<Job*>(request->data);
        finished->job = nullptr;
        finished->finish();
      });
  if (queued != 0) std::abort();
}

Work::~Work() {
  if (state_->finished) {
    delete state_;
    return;
  }
  state_->abandoned = true;
  uv_cancel(state_->request());
}

// --- names

struct Work::LookUp : State {
  using Handler = std::function<void(base::Result<Addresses>)>;

  LookUp(Loop& owner_loop, const std::string& wanted, std::uint16_t port, Handler on_addresses)
      : State(owner_loop, "resolve", nullptr),
        host(wanted),
        service(std::to_string(port)),
        handler(std::move(on_addresses)) {
    raw.data = this;
  }
  uv_req_t* request() override { return reinterpret_cast<uv_req_t*>(&raw); }

  int ask(int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    asked_with = flags;
    return uv_getaddrinfo(
        loop.raw(), &raw,
        [](uv_getaddrinfo_t* request, int status, addrinfo* list) {
          static_cast<LookUp*>(request->data)->on_answer(status, list);
        },
        host.c_str(), service.c_str(), &hints);
  }

  void on_answer(int status, addrinfo* list) {
    // AI_ADDRCONFIG hides loopback names on a machine whose links are all down.
    const bool hidden = status == UV_EAI_NONAME || status == UV_EAI_ADDRFAMILY;
    if (hidden && asked_with != 0 && !abandoned) {
      status = ask(0);
      if (status == 0) return;
    }
    Addresses addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
      addresses.push_back(Address::from(entry->ai_addr, entry->ai_addrlen));
    uv_freeaddrinfo(list);
    done = [handle = std::move(handler), result = result_of(status, std::move(addresses))] {
      handle(result);
    };
    finish();
  }

  base::Result<Addresses> result_of(int status, Addresses addresses) const {
    if (status == 0) return addresses;
    return base::Error{base::Code::not_found, std::string("cannot resolve: ") + uv_strerror(status), host};
  }

  uv_getaddrinfo_t raw{};
  std::string host, service;
  Handler handler;
  int asked_with = 0;
};

std::unique_ptr<Work> resolve(Loop& loop, const std::string& host, std::uint16_t port,
                              std::function<void(base::Result<Addresses>)> done) {
  auto* const look_up = new Work::LookUp(loop, host, port, std::move(done));
  std::unique_ptr<Work> work(new Work(look_up));
  loop.opened(look_up->name);
  const int refused = look_up->ask(AI_ADDRCONFIG);
  if (refused == 0) return work;
  // Not even a name to libuv (too long, for one): said later, as every other outcome.
  loop.closed(look_up->name);
  look_up->finished = true;  // so that it goes with `work`
  return submit<base::Result<Addresses>>(
      loop, look_up->name, [result = look_up->result_of(refused, {})] { return result; },
      std::move(look_up->handler));
}

}  // namespace fairlead::loop
