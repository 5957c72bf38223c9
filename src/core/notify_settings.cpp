#include "core/notify_settings.hpp"

namespace fairlead::core {

std::string_view to_string(SenderType type) {
  switch (type) {
    case SenderType::slack:
      return "slack";
    case SenderType::ntfy:
      return "ntfy";
    case SenderType::webhook:
      return "webhook";
    case SenderType::command:
      return "command";
  }
  return "webhook";
}

}  // namespace fairlead::core
