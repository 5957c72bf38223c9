#include "audit/tail.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "audit/folder.hpp"
#include "audit/line.hpp"
#include "audit/line_reader.hpp"
#include "base/file.hpp"

namespace fairlead::audit {

namespace {

constexpr int kTailAttempts = 3;  // a daemon that rotates meanwhile moves the files under us

// The last `count` lines of one file that fit, oldest first.
base::Result<std::deque<base::Json>> tail_of(const std::string& path, std::size_t count,
                                             const std::string& tunnel, std::size_t& unreadable) {
  const auto fd = open_for_reading(path);
  if (!fd) return fd.error();
  std::deque<base::Json> kept;
  LineReader reader(fd->get());
  while (const auto raw = reader.next()) {
    auto line = parse_line(raw->text);
    if (!line) {
      ++unreadable;
      continue;
    }
    if (!tunnel.empty() && line->body["tunnel"].text() != tunnel) continue;
    kept.push_back(std::move(line->body));
    if (kept.size() > count) kept.pop_front();
  }
  return kept;
}

base::Result<Tailed> tail_files(const std::string& folder, const std::vector<LogFile>& files,
                                std::size_t count, const std::string& tunnel) {
  Tailed out;
  for (auto file = files.rbegin(); file != files.rend() && out.entries.size() < count; ++file) {
    auto part =
        tail_of(base::join_path(folder, file->name), count - out.entries.size(), tunnel, out.unreadable);
    if (!part) return part.error();
    out.entries.insert(out.entries.begin(), std::make_move_iterator(part->begin()),
                       std::make_move_iterator(part->end()));
  }
  return out;
}

}  // namespace

base::Result<Tailed> tail(const std::string& folder, std::size_t count, const std::string& tunnel) {
  for (int attempt = 1;; ++attempt) {
    const auto before = list_files(folder);
    if (!before) return before.error();
    auto found = tail_files(folder, *before, count, tunnel);
    const auto after = list_files(folder);
    if ((after && *after == *before) || attempt == kTailAttempts) return found;
  }
}

}  // namespace fairlead::audit
