// One end of a UNIX stream socket that carries lines of text between two of our processes, without ever
// waiting: what the other end does not take yet is kept. Owns the descriptor; its user watches it (an epoll,
// a loop::Poll) and calls receive() and flush() when it is ready. No thread of its own, no callbacks.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::base {

class LineSocket {
 public:
  // `longest`: bytes of the longest line that is accepted from the other end. Makes `fd` non-blocking.
  LineSocket(UniqueFd fd, std::size_t longest);

  // Reads what is there, 256 KiB at most. Code::unavailable: the other end is closed; too_large: its line is
  // longer than agreed; io: the socket is broken. Lines that came before are still to be had from next().
  Result<> receive();
  std::optional<std::string> next();  // the next whole line, without its '\n'

  void queue(std::string_view line);  // adds the '\n'
  // Writes what the other end takes now. Code::unavailable when it is closed.
  Result<> flush();
  std::size_t unsent() const { return out_.size() - sent_; }

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::size_t longest_;
  std::string in_;
  std::size_t taken_ = 0;     // bytes of in_ that next() has given away
  std::size_t searched_ = 0;  // bytes of in_ known to hold no further '\n'
  std::string out_;
  std::size_t sent_ = 0;  // bytes of out_ that the other end has
};

}  // namespace fairlead::base
