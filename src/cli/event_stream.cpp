#include "cli/event_stream.hpp"

namespace fairlead::cli {

namespace {
constexpr std::size_t kLongestLine = 1u << 20;
}

bool EventStream::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    const bool skip = after_return_ && byte == '\n';
    after_return_ = byte == '\r';
    if (skip) continue;
    if (byte == '\n' || byte == '\r') {
      take_line(line_);
      line_.clear();
      continue;
    }
    if (line_.size() == kLongestLine) return false;
    line_.push_back(byte);
  }
  return true;
}

void EventStream::take_line(std::string_view line) {
  if (!line.empty()) {
    const auto colon = line.find(':');
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return take_field(line.substr(0, colon), value);  // a comment has the empty name
  }
  if (has_data_) {
    if (event_.type.empty()) event_.type = "message";
    on_event_(event_);
  }
  event_.type.clear();
  event_.data.clear();
  has_data_ = false;
}

void EventStream::take_field(std::string_view name, std::string_view value) {
  if (name == "id") event_.id = value;
  if (name == "event") event_.type = value;
  if (name != "data") return;
  if (has_data_) event_.data += '\n';
  event_.data += value;
  has_data_ = true;
}

}  // namespace fairlead::cli
