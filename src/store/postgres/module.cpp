#include "store/postgres/module.hpp"

#include "store/postgres/postgres_task_store.hpp"

extern "C" const char* fairlead_postgres_module_abi() {
  return fairlead::store::postgres::kModuleAbi;
}

extern "C" fairlead::core::TaskStore* fairlead_postgres_task_store_new(
    fairlead::loop::Loop& loop, fairlead::base::Log& log, const fairlead::core::StoreSettings& settings) {
  using namespace fairlead::store::postgres;
  return new PostgresTaskStore(loop, log, connection_settings(settings));
}
