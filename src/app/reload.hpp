// The two-phase reload: read and check the file off the loop, let every part prepare, then commit all or
// none. A reload that is asked for while another is under way supersedes it. Owned by the daemon; loop thread
// only.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "core/ports.hpp"
#include "loop/loop.hpp"
#include "loop/work.hpp"

namespace fairlead::app {

class Reload {
 public:
  // The new configuration, or why nothing changed: bad_config (one problem a line), cancelled (superseded),
  // or the error of the part that could not prepare.
  using Done = std::function<void(base::Result<core::ConfigPtr>)>;

  Reload(loop::Loop& loop, config::Location location) : loop_(loop), location_(std::move(location)) {}

  // Parts prepare and commit in this order. They outlive the Reload.
  void add(core::Reloadable& part) { parts_.push_back(&part); }
  // Prepares before all others, which do not begin until it is done; commits first. One at most.
  void add_slow(core::SlowReloadable& part) { slow_ = &part; }
  // `generation`: what the configuration is numbered when it is applied. `done` is called once, later.
  void start(std::uint64_t generation, Done done);
  // The daemon stops: what is under way is forgotten, its `done` is not called.
  void cancel();

 private:
  using Tickets = std::vector<std::unique_ptr<core::Ticket>>;
  void on_loaded(std::uint64_t generation, const config::Loaded& loaded);
  void prepare_slow(const core::ConfigPtr& next);
  base::Result<core::ConfigPtr> apply(const core::ConfigPtr& next, Tickets tickets);
  void finish(base::Result<core::ConfigPtr> result);

  loop::Loop& loop_;
  config::Location location_;
  std::vector<core::Reloadable*> parts_;
  core::SlowReloadable* slow_ = nullptr;
  std::unique_ptr<loop::Work> loading_;
  std::unique_ptr<core::Preparing> preparing_;
  Done done_;
};

// One problem a line.
base::Error config_error(const std::vector<config::Problem>& problems);

}  // namespace fairlead::app
