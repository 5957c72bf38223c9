// Columns that line up, with free lines under a row. Pure. Cells are printable already.
#pragma once
#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace fairlead::cli {

struct Cell {
  std::string text;
  Style style = Style::plain;
  bool right = false;  // flush right: numbers
};

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}

  // As many cells as the header has. `notes` stand under the row, indented.
  void add(std::vector<Cell> cells, std::vector<Cell> notes = {});
  std::string render(bool color) const;  // every line ends in a newline, none in blanks

 private:
  struct Row {
    std::vector<Cell> cells;
    std::vector<Cell> notes;
  };
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

}  // namespace fairlead::cli
