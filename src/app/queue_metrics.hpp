// The queue's figures in Prometheus' text format 0.0.4. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/task_store.hpp"
#include "worker/worker.hpp"

namespace fairlead::app {

struct QueueFigures {
  core::StoreStatus store;
  const core::QueueStats& stats;  // of a moment ago: TaskQueue looks once a minute, and with each scrape
  const std::vector<core::WorkerRecord>& workers;
  std::uint64_t submitted = 0, refused = 0;          // by this daemon
  const worker::Worker::Counters* worker = nullptr;  // of this daemon's; null: it has none
  std::uint64_t loop_turns = 0;
};

std::string render_metrics(const QueueFigures& figures);

}  // namespace fairlead::app
