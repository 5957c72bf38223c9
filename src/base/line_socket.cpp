#include "base/line_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace fairlead::base {

namespace {

constexpr std::size_t kAtOnce = 256u << 10;  // then others get their turn
constexpr std::size_t kPart = 64u << 10;

Error closed() {
  return {Code::unavailable, "the other end is closed", {}};
}

}  // namespace

LineSocket::LineSocket(UniqueFd fd, std::size_t longest) : fd_(std::move(fd)), longest_(longest) {
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

Result<> LineSocket::receive() {
  in_.erase(0, taken_);
  searched_ -= std::min(searched_, taken_);
  taken_ = 0;
  char part[kPart];
  for (std::size_t total = 0; total < kAtOnce;) {
    const auto got = ::recv(fd_.get(), part, sizeof part, 0);
    if (got == 0) return closed();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0 && errno == ECONNRESET) return closed();
    if (got < 0) return os_error("cannot read from the socket", errno);
    in_.append(part, static_cast<std::size_t>(got));
    total += static_cast<std::size_t>(got);
  }
  const auto last_end = in_.rfind('\n');
  const auto unfinished = last_end == std::string::npos ? in_.size() : in_.size() - last_end - 1;
  if (unfinished > longest_) return Error{Code::too_large, "a line is longer than agreed", {}};
  return success();
}

std::optional<std::string> LineSocket::next() {
  const auto end = in_.find('\n', std::max(searched_, taken_));
  if (end == std::string::npos) {
    searched_ = in_.size();
    return std::nullopt;
  }
  std::string line = in_.substr(taken_, end - taken_);
  taken_ = searched_ = end + 1;
  return line;
}

void LineSocket::queue(std::string_view line) {
  out_.append(line);
  out_ += '\n';
}

Result<> LineSocket::flush() {
  while (unsent() > 0) {
    const auto put = ::send(fd_.get(), out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) break;
    if (put < 0 && (errno == EPIPE || errno == ECONNRESET)) return closed();
    if (put < 0) return os_error("cannot write to the socket", errno);
    sent_ += static_cast<std::size_t>(put);
  }
  if (sent_ > out_.size() / 2) {  // so that bytes are moved once on average
    out_.erase(0, sent_);
    sent_ = 0;
  }
  return success();
}

}  // namespace fairlead::base
