#include "config/problems.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"

namespace fairlead::config {

namespace {
constexpr std::size_t kMostProblems = 500;
}

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  text += ": " + problem.message;
  if (!problem.fix.empty()) text += " (" + problem.fix + ")";
  return text;
}

std::string in_quotes(std::string_view text) {
  return '"' + base::printable(text, 80) + '"';
}

bool Problems::full() const {
  return found_.size() >= kMostProblems;
}

void Problems::add(Position at, std::string message, std::string fix) {
  if (full()) {
    cut_ = true;
    return;
  }
  found_.push_back({file_, at.line, at.column, std::move(message), std::move(fix)});
}

std::vector<Problem> Problems::take_sorted() {
  const auto by_place = [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column, a.message, a.fix) < std::tie(b.line, b.column, b.message, b.fix);
  };
  std::sort(found_.begin(), found_.end(), by_place);
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  if (cut_) {
    const Problem& last = found_.back();
    found_.push_back({file_, last.line, last.column, "there are more problems than are shown",
                      "mend these first, then check again"});
  }
  return std::move(found_);
}

}  // namespace fairlead::config
