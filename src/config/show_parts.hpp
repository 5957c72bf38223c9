// Internal to config/: what the parts of show_yaml() and show_json() share. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "core/config.hpp"

namespace fairlead::config {

// Plain where no YAML reader could see anything but this text in it, else in double quotes. Values are one
// line without control characters: the reader has seen to that.
std::string scalar(std::string_view text);
// Exact, unlike base::format_duration: it is read again.
std::string exact_duration(core::Millis value);

// Lines of `key: value`, indented.
class Lines {
 public:
  void open(std::string_view key) {
    line(key, "");
    ++depth_;
  }
  void close() { --depth_; }
  void line(std::string_view key, std::string_view value) {
    text_.append(depth_ * 2, ' ').append(key).append(":");
    if (!value.empty()) text_.append(" ").append(value);
    text_ += '\n';
  }
  void item(std::string_view value) { text_.append(depth_ * 2, ' ').append("- ").append(value).append("\n"); }
  void comment(std::string_view words) { text_.append("# ").append(words).append("\n"); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t depth_ = 0;
};

void show_texts(std::string_view key, const std::vector<std::string>& texts, Lines& lines);

// Store, queue, worker and executors (show_work_yaml.cpp, show_work_json.cpp).
void show_work(const core::Config& config, Lines& lines);
void set_work(const core::Config& config, base::Json& json);

double seconds_of(core::Millis duration);
base::Json texts_json(const std::vector<std::string>& texts);

}  // namespace fairlead::config
