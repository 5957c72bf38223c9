#include "store/load_postgres.hpp"

#include "base/installed.hpp"
#include "base/module.hpp"
#include "store/postgres/module.hpp"

namespace fairlead::store {

std::vector<std::string> postgres_module_paths() {
  return base::installed_paths(postgres::kModuleFile);
}

base::Result<std::unique_ptr<core::TaskStore>> load_postgres(loop::Loop& loop, base::Log& log,
                                                             const core::StoreSettings& settings,
                                                             const std::vector<std::string>& paths) {
  using namespace postgres;
  const auto made = base::load_module({kModuleFile, "fairlead-postgres", "the store on PostgreSQL",
                                       kModuleAbiSymbol, kModuleAbi, kModuleNewSymbol},
                                      paths);
  if (!made) return made.error();
  return std::unique_ptr<core::TaskStore>(reinterpret_cast<ModuleNew*>(*made)(loop, log, settings));
}

}  // namespace fairlead::store
