#include "core/executor.hpp"

#include <utility>

namespace fairlead::core {

// NOLINTNEXTLINE(performance-unnecessary-value-param): those that override it keep `done`
std::unique_ptr<ExecutorCall> Executor::rollback(const TaskRun&, const TaskResult&, Done) {
  return nullptr;
}

base::Result<> ExecutorRegistry::add(std::unique_ptr<Executor> executor) {
  std::string kind(executor->kind());
  const auto [at, added] = executors_.try_emplace(std::move(kind), nullptr);
  if (!added)
    return base::Error{base::Code::conflict, "the kind \"" + at->first + "\" has an executor already", {}};
  at->second = std::move(executor);
  return base::success();
}

std::shared_ptr<Executor> ExecutorRegistry::find(std::string_view kind) const {
  const auto found = executors_.find(kind);
  return found == executors_.end() ? nullptr : found->second;
}

std::vector<std::string_view> ExecutorRegistry::kinds() const {
  std::vector<std::string_view> kinds;
  for (const auto& [kind, executor] : executors_) kinds.push_back(kind);
  return kinds;
}

}  // namespace fairlead::core
