// The queue of a daemon that has no store: refuses everything, in words. Owned by the daemon; loop thread
// only; answers at once.
#pragma once
#include "core/task_port.hpp"

namespace fairlead::app {

class NoQueue final : public core::TaskPort {
 public:
  core::QueueStatus queue_status() const override { return {}; }
  void submit(base::JsonView, std::string_view, const core::Caller&,
              core::Answer<std::vector<base::Result<core::Submitted>>> done) override {
    done(refusal());
  }
  void find(core::TaskId, core::Answer<core::TaskDetail> done) override { done(refusal()); }
  void list(core::TaskFilter, core::Answer<std::vector<core::TaskRecord>> done) override { done(refusal()); }
  void order(core::TaskId, core::TaskOrder, const core::Caller&,
             core::Answer<core::OrderOutcome> done) override {
    done(refusal());
  }
  void pause(core::Pause, const core::Caller&, core::Answer<base::Unit> done) override { done(refusal()); }
  void resume(core::Pause::Scope, std::string, const core::Caller&, core::Answer<base::Unit> done) override {
    done(refusal());
  }
  void pauses(core::Answer<std::vector<core::Pause>> done) override { done(refusal()); }
  void stats(core::Answer<core::QueueStats> done) override { done(refusal()); }
  void workers(core::Answer<std::vector<core::WorkerRecord>> done) override { done(refusal()); }
  void drain(std::string, bool, const core::Caller&, core::Answer<base::Unit> done) override {
    done(refusal());
  }
  std::vector<core::OutputPart> output(core::TaskId) const override { return {}; }
  std::string metrics() const override { return {}; }

 private:
  static base::Error refusal() {
    return {base::Code::unsupported, "this daemon keeps no queue of tasks", {}};
  }
};

}  // namespace fairlead::app
