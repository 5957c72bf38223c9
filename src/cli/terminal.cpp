#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.hpp"

namespace fairlead::cli {

namespace {

constexpr std::string_view kReset = "\x1b[0m";

std::string_view sequence(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::good:
      return "\x1b[32m";
    case Style::warning:
      return "\x1b[33m";
    case Style::bad:
      return "\x1b[31m";
    case Style::faint:
      return "\x1b[2m";
    case Style::strong:
      return "\x1b[1m";
  }
  return "";
}

// The length of the colour sequence that begins at `at`, or 0. Only our own come here: untrusted text went
// through base::printable.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\x1b[") return 0;
  const auto end = text.find('m', at);
  return end == std::string_view::npos ? 0 : end - at + 1;
}

bool continues_code_point(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

bool use_color(ColorWhen when, bool is_terminal, const char* no_color, const char* term) {
  if (when != ColorWhen::automatic) return when == ColorWhen::always;
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return is_terminal;
}

std::string paint(std::string_view text, Style style, bool color) {
  if (!color || style == Style::plain || text.empty()) return std::string(text);
  return std::string(sequence(style)).append(text).append(kReset);
}

Terminal find_terminal(ColorWhen when) {
  // Before any thread is started, and nothing here changes the environment.
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const char* term = std::getenv("TERM");          // NOLINT(concurrency-mt-unsafe)
  const bool out = ::isatty(STDOUT_FILENO) == 1;
  const bool err = ::isatty(STDERR_FILENO) == 1;
  return {out, use_color(when, out, no_color, term), use_color(when, err, no_color, term), err};
}

Size terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (const auto length = sequence_length(text, i); length > 0) {
      i += length;
      continue;
    }
    if (!continues_code_point(text[i])) ++width;
    ++i;
  }
  return width;
}

std::string clip(std::string_view text, std::size_t columns) {
  if (columns == 0) return {};
  if (display_width(text) <= columns) return std::string(text);
  std::string cut;
  bool colored = false;
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (const auto length = sequence_length(text, i); length > 0) {
      cut.append(text.substr(i, length));
      colored = text.substr(i, length) != kReset;
      i += length;
      continue;
    }
    if (!continues_code_point(text[i]) && ++width == columns) break;
    cut.push_back(text[i++]);
  }
  cut += "…";
  if (colored) cut += kReset;
  return cut;
}

std::string redraw(std::string_view text, Size size) {
  auto lines = base::split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string hidden;
  // The last row stays free: a newline there would scroll.
  if (const std::size_t room = size.rows > 1 ? size.rows - 1 : 1; lines.size() > room) {
    hidden = "… " + std::to_string(lines.size() - room + 1) + " more lines";
    lines.resize(room - 1);
  }
  if (!hidden.empty()) lines.push_back(hidden);
  std::string picture = "\x1b[H";
  for (const auto line : lines) picture.append(clip(line, size.columns)).append("\x1b[K\n");
  return picture + "\x1b[J";
}

HiddenCursor::HiddenCursor(std::ostream& out) : out_(out) {
  out_ << "\x1b[?25l\x1b[2J" << std::flush;
}

HiddenCursor::~HiddenCursor() {
  out_ << "\x1b[?25h" << std::flush;
}

}  // namespace fairlead::cli
