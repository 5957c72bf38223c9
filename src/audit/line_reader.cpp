#include "audit/line_reader.hpp"

#include <unistd.h>

#include <cerrno>

#include "audit/line.hpp"

namespace fairlead::audit {

bool LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const auto have = buffer_.size();
  buffer_.resize(have + kMaxLine);
  for (;;) {
    const auto got = ::pread(fd_, buffer_.data() + have, kMaxLine, static_cast<off_t>(read_at_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure_ = errno;
    const auto added = got > 0 ? static_cast<std::size_t>(got) : 0;
    buffer_.resize(have + added);
    read_at_ += added;
    return added > 0;
  }
}

RawLine LineReader::take(std::size_t length, bool terminated) {
  RawLine line;
  line.text = std::string_view(buffer_).substr(begin_, length);
  line.number = ++count_;
  line.offset = line_at_;
  line.terminated = terminated;
  const auto whole = length + (terminated ? 1 : 0);
  begin_ += whole;
  line_at_ += whole;
  line.end = line_at_;
  return line;
}

std::optional<RawLine> LineReader::skip_long() {
  const auto start = line_at_;
  for (;;) {
    const auto newline = buffer_.find('\n', begin_);
    const bool found = newline != std::string::npos;
    const auto length = (found ? newline : buffer_.size()) - begin_;
    if (!found) {
      begin_ += length;
      line_at_ += length;
      if (fill()) continue;
      if (failure_ != 0) return std::nullopt;
    }
    RawLine line = take(found ? length : 0, found);
    line.text = {};
    line.offset = start;
    line.too_long = true;
    return line;
  }
}

std::optional<RawLine> LineReader::next() {
  for (;;) {
    const auto newline = buffer_.find('\n', begin_);
    const auto length = (newline == std::string::npos ? buffer_.size() : newline) - begin_;
    if (length > kMaxLine) return skip_long();
    if (newline != std::string::npos) return take(length, true);
    if (fill()) continue;
    if (failure_ != 0 || length == 0) return std::nullopt;
    return take(length, false);
  }
}

}  // namespace fairlead::audit
