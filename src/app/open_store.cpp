#include "app/open_store.hpp"

#include <utility>

#include "store/load_postgres.hpp"
#include "store/refused_store.hpp"
#include "store/sqlite/task_store.hpp"

namespace fairlead::app {

std::unique_ptr<core::TaskStore> open_store(loop::Loop& loop, base::Log& log, const core::Config& config) {
  if (config.store.url.empty())
    return std::make_unique<store::SqliteTaskStore>(loop, log,
                                                    store::QueueFileSettings{.folder = config.state_dir});
  auto loaded = store::load_postgres(loop, log, config.store);
  if (!loaded) return std::make_unique<store::RefusedStore>(loop, "postgresql", loaded.error());
  return std::move(*loaded);
}

}  // namespace fairlead::app
