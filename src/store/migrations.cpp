#include "store/migrations.hpp"

namespace fairlead::store {

base::Error newer_schema(std::int64_t found, int known, const std::string& place) {
  return {base::Code::unsupported,
          "the queue has schema " + std::to_string(found) + ", this fairlead knows up to " +
              std::to_string(known) + ": upgrade fairlead, or restore a backup from before the upgrade",
          place};
}

base::Error older_schema(std::int64_t found, int known, const std::string& place) {
  const auto what = found == 0 ? std::string("there is no queue yet")
                               : "the queue has schema " + std::to_string(found) + ", this fairlead knows " +
                                     std::to_string(known);
  return {base::Code::unsupported, what + ": run `fairlead store migrate`, or start the daemon", place};
}

}  // namespace fairlead::store
