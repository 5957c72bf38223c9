// The settings of the daemon itself in a reload: the log level follows, the folders cannot change while it
// runs.
#pragma once
#include <memory>

#include "base/log.hpp"
#include "core/ports.hpp"

namespace fairlead::app {

class FixedSettings final : public core::Reloadable {
 public:
  // `log` outlives this; `config` is what the daemon started with.
  void remember(base::Log& log, const core::Config& config);
  std::string_view part() const override { return "daemon"; }
  // Refuses a changed state_dir, runtime_dir, log format, journal, store, or place of the worker: those need
  // a restart.
  base::Result<std::unique_ptr<core::Ticket>> prepare(const core::ConfigPtr& next) override;

 private:
  class LevelTicket;
  const char* changed_in(const core::Config& next) const;  // the key, or null

  base::Log* log_ = nullptr;
  std::string state_dir_, runtime_dir_;
  core::StoreSettings store_;
  core::WorkerSettings worker_;
  base::Millis journal_age_{0};
  std::size_t journal_bytes_ = 0;
  base::LogFormat format_ = base::LogFormat::key_value;
  base::Level level_ = base::Level::info;  // the file's, not what was set by hand
};

}  // namespace fairlead::app
