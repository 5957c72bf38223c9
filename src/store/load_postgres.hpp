// Loads the task store on PostgreSQL from its module, fairlead-postgres.so: libpq and what it drags in weigh
// 7 MB, and a site with the embedded store never pays for them. Called by app/ once; blocks for some
// milliseconds.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "core/queue_settings.hpp"
#include "core/task_store.hpp"

namespace fairlead::loop {
class Loop;
}

namespace fairlead::store {

// The module beside the executable (a build folder), then the installed one.
std::vector<std::string> postgres_module_paths();

// The first of `paths` that exists is loaded. Code::unavailable when there is none (the package
// `fairlead-postgres` is missing) or it cannot be loaded; Code::unsupported when it is of another version.
// The store must be gone before the loop.
base::Result<std::unique_ptr<core::TaskStore>> load_postgres(
    loop::Loop& loop, base::Log& log, const core::StoreSettings& settings,
    const std::vector<std::string>& paths = postgres_module_paths());

}  // namespace fairlead::store
