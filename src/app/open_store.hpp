// Which store the configuration asks for.
#pragma once
#include <memory>

#include "base/log.hpp"
#include "core/config.hpp"
#include "core/task_store.hpp"
#include "loop/loop.hpp"

namespace fairlead::app {

// Never null: where it cannot be had (the module of PostgreSQL is not installed) one that refuses everything
// and says why. Not begun yet.
std::unique_ptr<core::TaskStore> open_store(loop::Loop& loop, base::Log& log, const core::Config& config);

}  // namespace fairlead::app
