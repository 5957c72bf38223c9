// What the executable and fairlead-postgres.so agree on. They share C++ types (core/task_store.hpp, loop/),
// so both must come from one build of one version: the loader compares the text below and refuses anything
// else.
#pragma once

namespace fairlead::base {
class Log;
}
namespace fairlead::loop {
class Loop;
}
namespace fairlead::core {
class TaskStore;
struct StoreSettings;
}  // namespace fairlead::core

namespace fairlead::store::postgres {

inline constexpr char kModuleFile[] = "fairlead-postgres.so";
inline constexpr char kModuleAbi[] = "task-store/1 fairlead/" FAIRLEAD_VERSION;

// The names of the module's two symbols, and the type of the second.
inline constexpr char kModuleAbiSymbol[] = "fairlead_postgres_module_abi";
inline constexpr char kModuleNewSymbol[] = "fairlead_postgres_task_store_new";
using ModuleNew = core::TaskStore*(loop::Loop&, base::Log&, const core::StoreSettings&);

}  // namespace fairlead::store::postgres

extern "C" const char* fairlead_postgres_module_abi();
// The caller owns the result. A wrong connection string shows in its status().
extern "C" fairlead::core::TaskStore* fairlead_postgres_task_store_new(
    fairlead::loop::Loop& loop, fairlead::base::Log& log, const fairlead::core::StoreSettings& settings);
