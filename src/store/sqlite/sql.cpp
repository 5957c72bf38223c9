#include "store/sqlite/sql.hpp"

namespace fairlead::store {

Sql::Rows::~Rows() {
  if (kept_ == nullptr) return;
  kept_->statement.reset();
  kept_->in_use = false;
}

bool Sql::Rows::next() {
  if (kept_ == nullptr || sql_.failed()) return false;
  const auto row = kept_->statement.step();
  if (row) return *row;
  sql_.fail(row.error());
  return false;
}

std::optional<std::int64_t> Sql::Rows::maybe(int column) const {
  if (kept_->statement.is_null(column)) return std::nullopt;
  return integer(column);
}

void Sql::fail(base::Error error) {
  if (!error_) error_ = std::move(error);
}

Sql::Kept* Sql::take(const char* text) {
  if (failed()) return nullptr;
  auto found = kept_.find(text);
  if (found == kept_.end()) {
    auto statement = database_.prepare(text);
    if (!statement) {
      fail(statement.error());
      return nullptr;
    }
    found = kept_.emplace(text, Kept{std::move(*statement)}).first;
  }
  if (found->second.in_use) {
    fail({base::Code::internal, "a statement was asked inside its own rows", text});
    return nullptr;
  }
  found->second.in_use = true;
  return &found->second;
}

std::int64_t Sql::finish(Kept& kept) {
  const auto done = kept.statement.step();
  if (!done) fail(done.error());
  const auto changed = done ? database_.changed_rows() : 0;
  kept.statement.reset();
  kept.in_use = false;
  return changed;
}

}  // namespace fairlead::store
