#include "store/migrations.hpp"

namespace fairlead::store {

base::Error newer_schema(std::int64_t found, int known, const std::string& place) {
  return {base::Code::unsupported,
          "the queue has schema " + std::to_string(found) + ", this fairlead knows up to " +
              std::to_string(known) + ": upgrade fairlead, or restore a backup from before the upgrade",
          place};
}

}  // namespace fairlead::store
