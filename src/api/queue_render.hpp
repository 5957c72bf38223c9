// The JSON of queue, store and workers: pure functions of snapshots, a contract as render.hpp is.
#pragma once
#include <vector>

#include "base/json.hpp"
#include "core/task_port.hpp"

namespace fairlead::api {

base::Json render(const core::StoreStatus& store);
base::Json render(const core::QueueStatus& queue);  // `queue` of the status: the store, and this worker
base::Json render(const core::QueueStats& stats);
base::Json render(const core::Pause& pause);
base::Json render(const core::WorkerRecord& worker);

}  // namespace fairlead::api
