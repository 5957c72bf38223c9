#include "store/postgres/dial.hpp"

#include <vector>

namespace fairlead::store::postgres {

PGconn* dial(const std::map<std::string, std::string>& options) {
  std::vector<const char*> keys, values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(keys.data(), values.data(), 0);
}

}  // namespace fairlead::store::postgres
