#include "store/refused_store.hpp"

namespace fairlead::store {

RefusedStore::RefusedStore(loop::Loop& loop, std::string backend, base::Error why)
    : backend_(std::move(backend)), why_(std::move(why)), deliver_(loop, "refused-store", [this] {
        for (const auto& function : std::exchange(queue_, {})) function();
      }) {}

void RefusedStore::begin(std::function<void()> on_state, std::function<void()>, core::Opening) {
  later(std::move(on_state));
}

core::StoreStatus RefusedStore::status() const {
  core::StoreStatus status;
  status.state = core::StoreStatus::State::refused;
  status.backend = backend_;
  status.error = why_.text();
  return status;
}

void RefusedStore::later(std::function<void()> function) {
  queue_.push_back(std::move(function));
  deliver_.schedule();
}

}  // namespace fairlead::store
