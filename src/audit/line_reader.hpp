// Reads a file line by line in bounded memory, from a given offset. Blocking: pool threads and the CLI.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::audit {

struct RawLine {
  std::string_view text;     // without the newline; valid until the next call; empty when too long
  std::uint64_t number = 0;  // from 1, counted from where reading began
  std::uint64_t offset = 0;  // of its first byte in the file
  std::uint64_t end = 0;     // of the byte after its newline
  bool terminated = true;    // false only for the last piece of a file
  bool too_long = false;     // over kMaxLine; its text was skipped
};

class LineReader {
 public:
  // The descriptor stays the caller's. Reads with pread(2): the descriptor's own offset does not matter.
  explicit LineReader(int fd, std::uint64_t offset = 0) : fd_(fd), read_at_(offset), line_at_(offset) {}

  // Nothing at the end of the file, or after a read error: see failure().
  std::optional<RawLine> next();
  int failure() const { return failure_; }  // 0 or an errno

 private:
  bool fill();  // false at the end or on an error
  std::optional<RawLine> skip_long();
  RawLine take(std::size_t length, bool terminated);

  int fd_;
  std::uint64_t read_at_;  // where in the file the next pread goes
  std::uint64_t line_at_;  // where in the file buffer_[begin_] stands
  std::uint64_t count_ = 0;
  std::string buffer_;
  std::size_t begin_ = 0;
  int failure_ = 0;
};

}  // namespace fairlead::audit
