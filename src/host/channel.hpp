// Lines over a blocking stream socket: the way between a policy process and the one who started it.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::host {

class Channel {
 public:
  explicit Channel(int fd) : fd_(fd) {}

  // The next line, without its end; valid until the next call. Nothing: the other side has closed, or the
  // line is longer than 32 MiB. What was sent so far goes out before this blocks.
  std::optional<std::string_view> next_line();
  void send(
      std::string_view line);  // the end is added; goes out when nothing is left to read, or 64 KiB wait

 private:
  bool flush();
  int fd_;
  std::string in_, out_;
  std::size_t begin_ = 0;     // of what has not been handed out
  std::size_t searched_ = 0;  // no line end before it
};

}  // namespace fairlead::host
