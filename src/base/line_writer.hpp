// Lines to a descriptor that others share (stderr), without ever waiting for whoever reads it: a pager that
// stopped reading, or a terminal that was halted, must not halt the daemon.
//
// The descriptor is borrowed, and its flags are left alone: O_NONBLOCK would hit everyone who shares it. What
// does not go at once is queued, up to a bound; beyond it whole lines are dropped and counted. A reader that
// is gone loses the lines. A regular file is written to directly, so only its disk can hold us up. One
// thread.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::base {

class LineWriter {
 public:
  static constexpr std::size_t kMostQueued = 256u << 10;  // bytes

  explicit LineWriter(int fd);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void write(std::string_view line);  // with its newline
  // Called by a write() that leaves something queued: then somebody has to flush() now and then.
  void set_on_waiting(std::function<void()> function) { on_waiting_ = std::move(function); }
  bool waiting() const { return !queue_.empty(); }
  void flush();                 // what goes now
  void drain(Millis deadline);  // at the end of the process: waits so long for the reader

  // How many lines were dropped since the last answer other than 0; 0 while there is no room to say so.
  std::uint64_t take_dropped();

 private:
  enum class Kind : std::uint8_t {
    file,    // does not wait for a reader
    socket,  // takes the wish not to wait with each call
    own,     // a pipe or a terminal, opened once more: flags of our own
    polled,  // neither: asked first, then given a little
  };
  long put(std::string_view text);

  int fd_;
  Kind kind_;
  UniqueFd own_;
  std::string queue_;
  std::uint64_t dropped_ = 0;
  std::function<void()> on_waiting_;
};

}  // namespace fairlead::base
