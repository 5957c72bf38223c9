#include "app/fixed_settings.hpp"

namespace fairlead::app {

// Only a level that the file changes is set: one that was set by hand survives a reload that does not speak
// of it.
class FixedSettings::LevelTicket final : public core::Ticket {
 public:
  LevelTicket(FixedSettings& settings, base::Level level) : settings_(settings), level_(level) {}
  void commit() noexcept override {
    if (level_ == settings_.level_) return;
    settings_.level_ = level_;
    settings_.log_->set_level(level_);
  }

 private:
  FixedSettings& settings_;
  base::Level level_;
};

void FixedSettings::remember(base::Log& log, const core::Config& config) {
  log_ = &log;
  state_dir_ = config.state_dir;
  runtime_dir_ = config.runtime_dir;
  format_ = config.log_format;
  journal_age_ = config.policy.journal_age;
  journal_bytes_ = config.policy.journal_bytes;
  level_ = config.log_level;
}

base::Result<std::unique_ptr<core::Ticket>> FixedSettings::prepare(const core::ConfigPtr& next) {
  const bool journal_changed =
      next->policy.journal_age != journal_age_ || next->policy.journal_bytes != journal_bytes_;
  const char* changed = next->state_dir != state_dir_       ? "state_dir"
                        : next->runtime_dir != runtime_dir_ ? "runtime_dir"
                        : next->log_format != format_       ? "log.format"
                        : journal_changed                   ? "policy.journal"
                                                            : nullptr;
  if (changed != nullptr)
    return base::Error{
        base::Code::bad_config,
        "`" + std::string(changed) + "` cannot change while the daemon runs: restart it, or put it back",
        next->file};
  return std::unique_ptr<core::Ticket>(std::make_unique<LevelTicket>(*this, next->log_level));
}

}  // namespace fairlead::app
