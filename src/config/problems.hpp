// Collects what is wrong with one file. Owned by the load under way, handed down by reference.
#pragma once
#include <string>
#include <vector>

#include "config/load.hpp"
#include "config/node.hpp"

namespace fairlead::config {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  // Texts from the file must have gone through in_quotes() below.
  void add(Position at, std::string message, std::string fix);
  bool empty() const { return found_.empty(); }
  // Past this many nothing more is kept: a hostile file must not cost much time.
  bool full() const;
  // By line and column. What an alias repeats is there once. Leaves this empty.
  std::vector<Problem> take_sorted();

 private:
  std::string file_;
  std::vector<Problem> found_;
  bool cut_ = false;
};

// "text" in double quotes, printable, cut when long.
std::string in_quotes(std::string_view text);

}  // namespace fairlead::config
