#include "app/open_store.hpp"

#include "store/refused_store.hpp"
#include "store/sqlite/task_store.hpp"

namespace fairlead::app {

std::unique_ptr<core::TaskStore> open_store(loop::Loop& loop, base::Log& log, const core::Config& config) {
  if (config.store.url.empty())
    return std::make_unique<store::SqliteTaskStore>(
        loop, log, store::QueueFileSettings{.folder = config.state_dir});
  return std::make_unique<store::RefusedStore>(loop, "postgresql",
                                               base::Error{base::Code::unsupported, "not here", {}});
}

}  // namespace fairlead::app
