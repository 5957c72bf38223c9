#include "app/reload.hpp"

#include <utility>

namespace fairlead::app {

base::Error config_error(const std::vector<config::Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + config::to_string(problem);
  return base::Error{base::Code::bad_config, text, {}};
}

void Reload::start(std::uint64_t generation, Done done) {
  loading_.reset();  // what it would have read is older than what the file holds now
  if (const Done superseded = std::exchange(done_, std::move(done)))
    superseded(base::Error{base::Code::cancelled, "superseded by a later reload", {}});
  loading_ = loop::submit<config::Loaded>(
      loop_, "load-config", [location = location_] { return config::load(location); },
      [this, generation](const config::Loaded& loaded) { on_loaded(generation, loaded); });
}

void Reload::cancel() {
  loading_.reset();
  done_ = nullptr;
}

void Reload::on_loaded(std::uint64_t generation, const config::Loaded& loaded) {
  loading_.reset();
  const Done done = std::exchange(done_, nullptr);
  done(apply(generation, loaded));
}

base::Result<core::ConfigPtr> Reload::apply(std::uint64_t generation, const config::Loaded& loaded) {
  if (!loaded.config) return config_error(loaded.problems);
  auto numbered = std::make_shared<core::Config>(*loaded.config);
  numbered->generation = generation;
  const core::ConfigPtr next = std::move(numbered);
  std::vector<std::unique_ptr<core::Ticket>> tickets;
  for (core::Reloadable* part : parts_) {
    auto ticket = part->prepare(next);
    if (!ticket) {  // the tickets so far give back what they hold
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
