#include "store/sqlite/queue_turn.hpp"

namespace fairlead::store {

std::string ActivePause::label() const {
  std::string text(to_string(scope));
  if (scope != core::Pause::Scope::everything) text.append(":").append(name);
  return text;
}

std::int64_t Turn::next_task_id() {
  if (!last_task_) {
    auto rows = sql.query("SELECT last_task FROM queue");
    last_task_ = rows.next() ? rows.integer(0) : 0;
  }
  return ++*last_task_;
}

void Turn::store_totals() {
  if (last_task_ || history_ != 0)
    sql.run("UPDATE queue SET last_task = max(last_task, ?), history = history + ?", last_task_.value_or(0),
            history_);
  last_task_.reset();
  history_ = 0;
}

const std::vector<ActivePause>& Turn::pauses() {
  if (pauses_) return *pauses_;
  pauses_.emplace();
  // "all" before "kind" before "site": the order in which a task's wait is named.
  auto rows =
      sql.query("SELECT scope, name FROM pauses WHERE until IS NULL OR until > ? ORDER BY scope, name", now);
  while (rows.next()) {
    const auto scope = rows.text(0) == "all"    ? core::Pause::Scope::everything
                       : rows.text(0) == "kind" ? core::Pause::Scope::kind
                                                : core::Pause::Scope::site;
    pauses_->push_back({scope, std::string(rows.text(1))});
  }
  return *pauses_;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = text.find(' ');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

}  // namespace fairlead::store
