#include "host/channel.hpp"

#include <unistd.h>

#include <cerrno>

namespace fairlead::host {

namespace {
constexpr std::size_t kMostLine = 32u << 20;
constexpr std::size_t kMostWaiting = 64u << 10;
constexpr std::size_t kChunk = 64u << 10;
}  // namespace

std::optional<std::string_view> Channel::next_line() {
  for (;;) {
    const auto end = in_.find('\n', searched_);
    if (end != std::string::npos) {
      const std::string_view line(in_.data() + begin_, end - begin_);
      begin_ = searched_ = end + 1;
      return line;
    }
    in_.erase(0, begin_);
    begin_ = 0;
    searched_ = in_.size();
    if (in_.size() > kMostLine || !flush()) return std::nullopt;
    in_.resize(searched_ + kChunk);
    ssize_t got = 0;
    do got = ::read(fd_, in_.data() + searched_, kChunk);
    while (got < 0 && errno == EINTR);
    in_.resize(searched_ + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got <= 0) return std::nullopt;
  }
}

void Channel::send(std::string_view line) {
  out_.append(line);
  out_.push_back('\n');
  if (out_.size() >= kMostWaiting) (void)flush();
}

bool Channel::flush() {
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t sent = ::write(fd_, left.data(), left.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  out_.clear();
  return true;
}

}  // namespace fairlead::host
