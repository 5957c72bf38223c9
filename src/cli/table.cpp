#include "cli/table.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::cli {

namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kNoteIndent = "    ";

std::string render_line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, bool color) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& cell = cells[i];
    const bool last = i + 1 == cells.size();
    const std::string blanks(widths[i] - std::min(widths[i], display_width(cell.text)), ' ');
    if (cell.right) line += blanks;
    line += paint(cell.text, cell.style, color);
    if (!cell.right && !last) line += blanks;
    if (!last) line += kGap;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

void Table::add(std::vector<Cell> cells, std::vector<Cell> notes) {
  cells.resize(header_.size());
  rows_.push_back({std::move(cells), std::move(notes)});
}

std::string Table::render(bool color) const {
  std::vector<std::size_t> widths;
  std::vector<Cell> head;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    const bool right =
        std::any_of(rows_.begin(), rows_.end(), [i](const Row& row) { return row.cells[i].right; });
    head.push_back({header_[i], Style::strong, right});
    widths.push_back(display_width(header_[i]));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], display_width(row.cells[i].text));
  }
  std::string text = render_line(head, widths, color);
  for (const auto& row : rows_) {
    text += render_line(row.cells, widths, color);
    for (const auto& note : row.notes)
      text.append(kNoteIndent).append(paint(note.text, note.style, color)) += '\n';
  }
  return text;
}

}  // namespace fairlead::cli
