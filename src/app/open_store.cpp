#include "app/open_store.hpp"

#include "store/refused_store.hpp"

namespace fairlead::app {

std::unique_ptr<core::TaskStore> open_store(loop::Loop& loop, base::Log&, const core::Config&) {
  return std::make_unique<store::RefusedStore>(loop, "sqlite",
                                               base::Error{base::Code::unsupported, "not here", {}});
}

}  // namespace fairlead::app
