// Blocking work (fsync, name resolution, files) on libuv's thread pool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "loop/address.hpp"

namespace fairlead::loop {

class Loop;

// One piece of work. `job` runs on a pool thread and must touch nothing that the loop thread may touch
// meanwhile; `done` runs on the loop thread afterwards. Destroying the Work drops `done`, and `job` too if it
// has not begun: so `job` must own what it uses (capture by value or shared_ptr).
class Work {
 public:
  Work(Loop& loop, const char* name, std::function<void()> job, std::function<void()> done);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  struct State;
  struct Job;
  struct LookUp;
  friend std::unique_ptr<Work> resolve(Loop& loop, const std::string& host, std::uint16_t port,
                                       std::function<void(base::Result<std::vector<Address>>)> done);
  explicit Work(State* state) : state_(state) {}
  State* state_;
};

// A job that yields a value, handed to `done` on the loop thread.
template <typename T>
std::unique_ptr<Work> submit(Loop& loop, const char* name, std::function<T()> job,
                             std::function<void(T)> done) {
  auto slot = std::make_shared<std::unique_ptr<T>>();
  return std::make_unique<Work>(
      loop, name, [slot, job = std::move(job)] { *slot = std::make_unique<T>(job()); },
      [slot, done = std::move(done)] { done(std::move(**slot)); });
}

// getaddrinfo(3) in the pool: every stream address of `host` in the resolver's order, with `port` set. By
// uv_getaddrinfo(), whose look-ups take at most half of the pool's threads: a dead name server holds up other
// look-ups, and never fsync. One that is dropped while it waits for its turn does not take it.
using Addresses = std::vector<Address>;
std::unique_ptr<Work> resolve(Loop& loop, const std::string& host, std::uint16_t port,
                              std::function<void(base::Result<Addresses>)> done);

}  // namespace fairlead::loop
