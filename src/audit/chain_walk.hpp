// The part of verify() that judges lines: fed one after the other, it says where the chain is broken and in
// what way. Knows no files. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/line.hpp"
#include "audit/line_reader.hpp"
#include "audit/verify.hpp"

namespace fairlead::audit {

class ChainWalk {
 public:
  // The hashes of the lines that `watched` name are kept, to be compared at the end.
  explicit ChainWalk(std::vector<Position> watched);

  void enter_file(const std::string& name);
  void take(const RawLine& raw, const base::Result<Line>& line);
  void add(Kind kind, std::uint64_t line, std::uint64_t seq, std::string message);

  // After the last line. `who` names the head in messages: "the head file", "the head given".
  void check_head(const Position& head, const std::string& who);

  bool at_or_behind(const Position& head) const { return started_ && last_seq_ >= head.seq; }
  std::uint64_t last_seq() const { return last_seq_; }
  std::uint64_t first_seq() const { return first_seq_; }
  Report finish();

 private:
  struct Place {
    std::string file;
    std::uint64_t line = 0;
  };
  struct Gap {
    std::uint64_t from, to, left;
    std::size_t finding;
  };
  struct Watched {
    Position position;
    bool seen = false, same = false;
    Place place;
  };
  void on_unreadable(const RawLine& raw, const std::string& why);
  void on_backward(const Line& line, const std::string& hash);
  void judge(const Line& line, const std::string& hash);
  void accept(std::uint64_t seq, const std::string& hash);
  void open_gap(std::uint64_t from, std::uint64_t to);
  bool follows_last(const Line& line) const;
  void push(Finding finding);
  void watch(std::uint64_t seq, const std::string& hash);

  std::vector<Watched> watched_;
  Place here_, last_place_;
  bool started_ = false;
  std::uint64_t first_seq_ = 0, last_seq_ = 0;
  std::vector<std::string> last_hashes_;  // of the line with last_seq_; several where one was inserted
  std::uint64_t unread_ = 0;              // unreadable lines since the last good one
  std::vector<Gap> gaps_;
  std::vector<bool> withdrawn_;  // of the findings
  Report report_;
};

}  // namespace fairlead::audit
