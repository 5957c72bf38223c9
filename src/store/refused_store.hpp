// A store that cannot be had: every call ends with the reason. So that a daemon whose queue cannot start (its
// module is not installed) still holds its lines, and says what is wrong. Loop thread only.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/task_store.hpp"
#include "loop/loop.hpp"

namespace fairlead::store {

class RefusedStore final : public core::TaskStore {
 public:
  RefusedStore(loop::Loop& loop, std::string backend, base::Error why);

  void begin(std::function<void()> on_state, std::function<void()> on_hint, core::Opening opening) override;
  core::StoreStatus status() const override;
  void stop(base::Millis, std::function<void()> gone) override { later(std::move(gone)); }

  using Submitteds = std::vector<base::Result<core::Submitted>>;
  void submit(std::vector<core::Submission>, core::Answer<Submitteds> done) override { refuse(done); }
  void register_worker(core::WorkerInfo, base::Millis, std::vector<core::Started>,
                       core::Answer<core::WorkerKey> done) override {
    refuse(done);
  }
  void beat(core::Beat, core::Answer<core::BeatOutcome> done) override { refuse(done); }
  void exchange(core::Exchange, core::Answer<core::ExchangeOutcome> done) override { refuse(done); }
  void leave(core::WorkerKey, core::Answer<base::Unit> done) override { refuse(done); }
  void tend(core::TendSettings, core::Answer<core::Tending> done) override { refuse(done); }
  void find(core::TaskId, core::Answer<core::TaskDetail> done) override { refuse(done); }
  void list(core::TaskFilter, core::Answer<std::vector<core::TaskRecord>> done) override { refuse(done); }
  void order(core::TaskId, core::TaskOrder, core::Actor, core::Answer<core::OrderOutcome> done) override {
    refuse(done);
  }
  void pause(core::Pause, core::Answer<base::Unit> done) override { refuse(done); }
  void resume(core::Pause::Scope, std::string, core::Answer<base::Unit> done) override { refuse(done); }
  void pauses(core::Answer<std::vector<core::Pause>> done) override { refuse(done); }
  void stats(core::Answer<core::QueueStats> done) override { refuse(done); }
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override { refuse(done); }
  void drain(std::string, bool, core::Answer<base::Unit> done) override { refuse(done); }

 private:
  template <typename T>
  void refuse(core::Answer<T> done) {
    later([why = why_, done = std::move(done)] { done(why); });
  }
  void later(std::function<void()> function);

  std::string backend_;
  base::Error why_;
  std::vector<std::function<void()>> queue_;
  loop::Deferred deliver_;
};

}  // namespace fairlead::store
