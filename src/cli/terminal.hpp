// The terminal, if there is one: whether to colour, how large it is, and the redraw of a live view.
#pragma once
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace fairlead::cli {

enum class ColorWhen : std::uint8_t { automatic, always, never };

// `automatic`: a terminal that is not "dumb", and NO_COLOR is unset or empty (https://no-color.org).
bool use_color(ColorWhen when, bool is_terminal, const char* no_color, const char* term);

enum class Style : std::uint8_t { plain, good, warning, bad, faint, strong };
std::string paint(std::string_view text, Style style, bool color);

struct Terminal {
  bool out_is_terminal = false;
  bool color_out = false;
  bool color_err = false;
  bool err_is_terminal = false;
};
// Looks at descriptors 1 and 2 and the environment.
Terminal find_terminal(ColorWhen when);

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
Size terminal_size(int fd);  // 80 x 24 when it does not say

// The columns that `text` takes: code points, without our own colour sequences.
std::size_t display_width(std::string_view text);
// Cut to `columns`, colours closed; the last column shows "…" where something was cut.
std::string clip(std::string_view text, std::size_t columns);

// One picture of a live view: goes home, overwrites line by line and clears what is left, so that nothing
// flickers. Lines are clipped to the size, as a wrapped line would shift all that follows.
std::string redraw(std::string_view text, Size size);

// Hides the cursor and shows it again when it goes.
class HiddenCursor {
 public:
  explicit HiddenCursor(std::ostream& out);
  ~HiddenCursor();
  HiddenCursor(const HiddenCursor&) = delete;
  HiddenCursor& operator=(const HiddenCursor&) = delete;

 private:
  std::ostream& out_;
};

}  // namespace fairlead::cli
