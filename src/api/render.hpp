// The JSON that the API shows: pure functions of snapshots. The shapes are a contract (docs/api.md, schema
// "fairlead.status/1"): members are added, never renamed or removed.
#pragma once
#include <vector>

#include "base/json.hpp"
#include "core/ports.hpp"
#include "core/task_port.hpp"

namespace fairlead::api {

base::Json render(const core::TunnelStatus& tunnel);
base::Json render(const core::DaemonStatus& daemon);
base::Json render(const core::ReloadReport& report);
base::Json render(const core::NotifyStatus& status);
base::Json render(const core::PolicyStatus& status);
// `queue` is shown where there is a store. `last_event_id`: from where GET /v1/events goes on without a gap
// after this snapshot.
base::Json render_status(const core::DaemonStatus& daemon, const std::vector<core::TunnelStatus>& tunnels,
                         const core::NotifyStatus& notify, const core::PolicyStatus& policy,
                         const core::QueueStatus& queue, std::uint64_t last_event_id);

}  // namespace fairlead::api
