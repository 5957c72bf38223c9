// The newest output of the tasks that this daemon runs, for those who look on: bounded for each task, and for
// a short while after its end. Owned by TaskQueue; loop thread only.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "core/task_port.hpp"

namespace fairlead::app {

class LiveOutput {
 public:
  // The part as it is shown: UTF-8.
  const core::OutputPart& add(core::TaskId task, bool is_error, std::string_view bytes) {
    if (tasks_.count(task) == 0) {
      order_.push_back(task);
      if (order_.size() > kTasks) {
        tasks_.erase(order_.front());
        order_.pop_front();
      }
    }
    auto& kept = tasks_[task];
    kept.parts.push_back({task, is_error, base::to_utf8(bytes)});
    kept.bytes += kept.parts.back().text.size();
    while (kept.parts.size() > 1 && kept.bytes > kBytes) {
      kept.bytes -= kept.parts.front().text.size();
      kept.parts.pop_front();
    }
    return kept.parts.back();
  }
  std::vector<core::OutputPart> of(core::TaskId task) const {
    const auto found = tasks_.find(task);
    if (found == tasks_.end()) return {};
    return {found->second.parts.begin(), found->second.parts.end()};
  }

 private:
  static constexpr std::size_t kTasks = 64;
  static constexpr std::size_t kBytes = 64u << 10;
  struct Kept {
    std::deque<core::OutputPart> parts;
    std::size_t bytes = 0;
  };
  std::map<core::TaskId, Kept> tasks_;
  std::deque<core::TaskId> order_;  // oldest first
};

}  // namespace fairlead::app
