#include "host/output_capture.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::host {

namespace {

void keep_last(std::string& text, std::size_t limit) {
  if (text.size() > limit) text.erase(0, text.size() - limit);
}

}  // namespace

void OutputCapture::add(std::string_view bytes) {
  output_.total += bytes.size();
  const auto room = std::min(bytes.size(), head_limit_ - output_.head.size());
  output_.head.append(bytes.substr(0, room));
  bytes.remove_prefix(room);
  if (bytes.size() > tail_limit_) bytes.remove_prefix(bytes.size() - tail_limit_);
  output_.tail.append(bytes);
  if (output_.tail.size() >= 2 * tail_limit_)
    keep_last(output_.tail, tail_limit_);  // one move for many additions
}

core::ChildOutput OutputCapture::take() {
  keep_last(output_.tail, tail_limit_);
  return std::move(output_);
}

}  // namespace fairlead::host
