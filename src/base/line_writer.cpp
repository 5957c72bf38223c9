#include "base/line_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fairlead::base {

namespace {

// What a descriptor that polls as writable takes without waiting: a pipe takes PIPE_BUF, a terminal less.
constexpr std::size_t kPiece = 256;

}  // namespace

LineWriter::LineWriter(int fd) : fd_(fd), kind_(Kind::polled) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return;
  if (S_ISREG(facts.st_mode)) kind_ = Kind::file;
  if (S_ISSOCK(facts.st_mode)) kind_ = Kind::socket;
  if (kind_ != Kind::polled) return;
  // The same pipe or terminal under a second description. Fails without /proc, and where the terminal is
  // another user's.
  const std::string name = "/proc/self/fd/" + std::to_string(fd);
  own_.reset(::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (own_) kind_ = Kind::own;
}

void LineWriter::write(std::string_view line) {
  if (queue_.size() + line.size() > kMostQueued) {
    ++dropped_;
    return;
  }
  queue_ += line;
  flush();
  if (waiting() && on_waiting_) on_waiting_();
}

void LineWriter::flush() {
  while (!queue_.empty()) {
    const auto went = put(queue_);
    if (went < 0 && errno == EINTR) continue;
    if (went < 0 && errno == EAGAIN) return;
    if (went < 0) return queue_.clear();  // nobody reads any more
    queue_.erase(0, static_cast<std::size_t>(went));
  }
}

long LineWriter::put(std::string_view text) {
  switch (kind_) {
    case Kind::file:
      return ::write(fd_, text.data(), text.size());
    case Kind::own:
      return ::write(own_.get(), text.data(), text.size());
    case Kind::socket:
      return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::polled:
      break;
  }
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) > 0) return ::write(fd_, text.data(), std::min(text.size(), kPiece));
  errno = EAGAIN;
  return -1;
}

void LineWriter::drain(Millis deadline) {
  const auto end = steady_now() + deadline;
  for (flush(); waiting(); flush()) {
    const auto left = std::chrono::ceil<Millis>(end - steady_now()).count();
    if (left <= 0) return;
    pollfd room{fd_, POLLOUT, 0};
    (void)::poll(&room, 1, static_cast<int>(left));
  }
}

std::uint64_t LineWriter::take_dropped() {
  return queue_.size() > kMostQueued / 2 ? 0 : std::exchange(dropped_, 0);
}

}  // namespace fairlead::base
