// From what a caller sends to tasks in the store: each envelope is checked, the hooks `admit` and `route` are
// asked where there are any, and what is left goes to the store as one batch. Owned by TaskQueue; loop thread
// only. Nothing is stored of an envelope that anything is wrong with; the others of its batch are not held up
// by it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "app/queue_view.hpp"
#include "core/executor.hpp"
#include "core/policy.hpp"
#include "core/ports.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"

namespace fairlead::app {

class Submissions {
 public:
  using Answers = std::vector<base::Result<core::Submitted>>;

  // All outlive it.
  struct Parts {
    loop::Loop& loop;
    core::TaskStore& store;
    core::PolicyPort& policy;
    const core::ExecutorRegistry& executors;
    QueueView& view;
  };
  explicit Submissions(Parts parts);
  ~Submissions();

  // See core::TaskPort::submit. `done` once, later.
  void submit(base::JsonView envelopes, std::string_view key, const core::Caller& caller,
              core::Answer<Answers> done);
  // A finished task is to be done again as a task of `caller`: may it? `done` once; at once where no hook is
  // asked.
  void may_repeat(core::TaskId id, const core::Caller& caller, core::Answer<base::Unit> done);

 private:
  struct Batch;
  using BatchPtr = std::shared_ptr<Batch>;

  base::Result<core::TaskEnvelope> read(base::JsonView json, std::string_view key,
                                        const core::Caller& caller) const;
  void ask_all(const BatchPtr& batch);
  void admit(const BatchPtr& batch, std::size_t index);
  void route(const BatchPtr& batch, std::size_t index);
  void ask_admit(const core::TaskEnvelope& task, std::function<void(base::Result<>)> then);
  void ask(core::HookEvent event, base::Json context, core::PolicyPort::OnAnswer then);
  void settled(const BatchPtr& batch);
  void store(const BatchPtr& batch);

  Parts parts_;
  std::map<std::uint64_t, std::unique_ptr<core::PolicyCall>> calls_;
  std::uint64_t next_call_ = 1;
  std::vector<BatchPtr> read_;  // waiting for go_
  loop::Deferred go_;
};

}  // namespace fairlead::app
