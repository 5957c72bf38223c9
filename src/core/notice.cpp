#include "core/notice.hpp"

#include <array>

namespace fairlead::core {

namespace {

constexpr std::array kSeverities = {Severity::info, Severity::low, Severity::high, Severity::critical};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::low:
      return "low";
    case Severity::high:
      return "high";
    case Severity::critical:
      return "critical";
  }
  return "info";
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (const auto severity : kSeverities)
    if (to_string(severity) == text) return severity;
  return std::nullopt;
}

}  // namespace fairlead::core
