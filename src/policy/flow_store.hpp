// What flows keep over restarts: one JSON file in the state directory, read at start and replaced off the
// loop a moment after a change. Owned by Policy; loop thread only.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"

namespace fairlead::policy {

class FlowStore {
 public:
  // `path` is read now (at start, it is small); one that cannot be understood is set aside as PATH.damaged
  // and logged.
  FlowStore(loop::Loop& loop, base::Log& log, std::string path);

  base::JsonView get(std::string_view key) const { return values_[key]; }
  // null forgets. Code::too_large beyond 16 KiB a value, 1000 keys or 1 MiB in all.
  base::Result<> set(std::string_view key, const base::Json& value);
  // Writes what is not on disk yet; `done` is called once, later.
  void flush(std::function<void(base::Result<>)> done);

 private:
  void write();

  loop::Loop& loop_;
  base::Log& log_;
  std::string path_;
  base::Json values_ = base::Json::object();
  std::size_t bytes_ = 0;
  bool dirty_ = false;
  loop::Timer soon_;
  std::unique_ptr<loop::Work> writing_;
  std::function<void(base::Result<>)> flushed_;
};

}  // namespace fairlead::policy
