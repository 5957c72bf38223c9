#include "config/read_parts.hpp"

namespace fairlead::config {

core::NotifySettings read_notify(const Node& node, const PathRules& paths, Problems& problems) {
  SectionReader reader(kNotifySection, node, problems);
  core::NotifySettings settings;
  reader.duration("tunnel_degraded_after", settings.tunnel_degraded_after);
  reader.duration("tunnel_failed_after", settings.tunnel_failed_after);
  if (const Node* senders = reader.below("senders"))
    for (const Entry& entry : senders->entries)
      settings.senders.emplace(entry.key, read_sender(entry, paths, problems));
  reader.finish();
  return settings;
}

}  // namespace fairlead::config
