#include "base/text.hpp"
#include "core/ports.hpp"

namespace fairlead::core {

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
  const std::string wanted = base::lower(name);
  for (const auto& [key, value] : headers)
    if (base::lower(key) == wanted) return value;
  return std::nullopt;
}

}  // namespace fairlead::core
