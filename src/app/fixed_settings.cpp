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
  store_ = config.store;
  worker_ = config.worker;
}

const char* FixedSettings::changed_in(const core::Config& next) const {
  if (next.state_dir != state_dir_) return "state_dir";
  if (next.runtime_dir != runtime_dir_) return "runtime_dir";
  if (next.log_format != format_) return "log.format";
  if (next.policy.journal_age != journal_age_ || next.policy.journal_bytes != journal_bytes_)
    return "policy.journal";
  if (next.store.url != store_.url) return "store";
  if (next.store.password_file != store_.password_file) return "store_password_file";
  // The tunnel's name, or a forward that the connection goes through.
  if (next.store != store_) return "store_via";
  // Under these it is known to the store, and its tasks are routed to it.
  if (next.worker.enabled != worker_.enabled) return "worker";
  if (next.worker.name != worker_.name) return "worker.name";
  if (next.worker.site != worker_.site) return "worker.site";
  if (next.worker.node != worker_.node) return "worker.node";
  return nullptr;
}

base::Result<std::unique_ptr<core::Ticket>> FixedSettings::prepare(const core::ConfigPtr& next) {
  const char* changed = changed_in(*next);
  if (changed != nullptr)
    return base::Error{
        base::Code::bad_config,
        "`" + std::string(changed) + "` cannot change while the daemon runs: restart it, or put it back",
        next->file};
  return std::unique_ptr<core::Ticket>(std::make_unique<LevelTicket>(*this, next->log_level));
}

}  // namespace fairlead::app
