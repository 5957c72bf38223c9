#include "app/reload.hpp"

#include <utility>

namespace fairlead::app {

base::Error config_error(const std::vector<config::Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + config::to_string(problem);
  return base::Error{base::Code::bad_config, text, {}};
}

void Reload::start(std::uint64_t generation, Done done) {
  preparing_.reset();
  loading_.reset();  // what it would have read is older than what the file holds now
  if (const Done superseded = std::exchange(done_, std::move(done)))
    superseded(base::Error{base::Code::cancelled, "superseded by a later reload", {}});
  loading_ = loop::submit<config::Loaded>(
      loop_, "load-config", [location = location_] { return config::load(location); },
      [this, generation](const config::Loaded& loaded) { on_loaded(generation, loaded); });
}

void Reload::cancel() {
  preparing_.reset();
  loading_.reset();
  done_ = nullptr;
}

void Reload::on_loaded(std::uint64_t generation, const config::Loaded& loaded) {
  loading_.reset();
  if (!loaded.config) return finish(config_error(loaded.problems));
  auto numbered = std::make_shared<core::Config>(*loaded.config);
  numbered->generation = generation;
  if (slow_ != nullptr) return prepare_slow(std::move(numbered));
  const core::ConfigPtr next = std::move(numbered);
  finish(apply(next, {}));
}

void Reload::prepare_slow(const core::ConfigPtr& next) {
  preparing_ = slow_->prepare(next, [this, next](base::Result<std::unique_ptr<core::Ticket>> ticket) {
    const auto over = std::move(preparing_);
    if (!ticket) return finish(ticket.error());
    Tickets tickets;
    tickets.push_back(std::move(*ticket));
    finish(apply(next, std::move(tickets)));
  });
}

void Reload::finish(base::Result<core::ConfigPtr> result) {
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

// All or none: tickets that are not committed give back what they hold.
base::Result<core::ConfigPtr> Reload::apply(const core::ConfigPtr& next, Tickets tickets) {
  for (core::Reloadable* part : parts_) {
    auto ticket = part->prepare(next);
    if (!ticket) {
      base::Error error = ticket.error();
      error.message = std::string(part->part()) + ": " + error.message;
      return error;
    }
    tickets.push_back(std::move(*ticket));
  }
  for (auto& ticket : tickets) ticket->commit();
  return next;
}

}  // namespace fairlead::app
