#include "audit/verify.hpp"

#include "audit/chain_walk.hpp"
#include "audit/folder.hpp"
#include "audit/line_reader.hpp"
#include "base/file.hpp"

namespace fairlead::audit {

namespace {

constexpr int kAttempts = 3;  // a daemon that rotates meanwhile moves the files under us

class Verification {
 public:
  Verification(const std::string& folder, const std::optional<Position>& expected)
      : folder_(folder), expected_(expected), head_(read_head(folder)), walk_(watched()) {}

  Report run(const base::Result<std::vector<LogFile>>& files) {
    if (!files) {
      walk_.add(Kind::unreadable, 0, 0, files.error().text());
      return walk_.finish();
    }
    for (const auto& file : *files) read(file);
    check_heads();
    return walk_.finish();
  }

 private:
  std::vector<Position> watched() const {
    std::vector<Position> heads;
    if (head_) heads.push_back(head_->at);
    if (expected_) heads.push_back(*expected_);
    return heads;
  }

  void read(const LogFile& file) {
    walk_.enter_file(file.name);
    const auto fd = open_for_reading(base::join_path(folder_, file.name));
    if (!fd) return walk_.add(Kind::unreadable, 0, 0, fd.error().message);
    LineReader reader(fd->get());
    while (const auto raw = reader.next()) {
      const auto line = parse_line(raw->text);
      if (file.current && is_torn(*raw, line)) return report_torn(reader, *raw);
      walk_.take(*raw, line);
    }
    if (reader.failure() != 0)
      walk_.add(Kind::unreadable, 0, 0, base::os_error("cannot read", reader.failure()).message);
  }

  // Half a line at the very end, or, behind what the head says was synced, bytes that are no line.
  bool is_torn(const RawLine& raw, const base::Result<Line>& line) const {
    if (!raw.terminated) return true;
    return (raw.too_long || !line) && head_ && (head_->at.seq == 0 || walk_.at_or_behind(head_->at));
  }

  void report_torn(LineReader& reader, const RawLine& first) {
    const auto line = first.number;
    const auto start = first.offset;
    auto end = first.end;
    while (const auto raw = reader.next()) end = raw->end;
    walk_.add(
        Kind::torn, line, walk_.last_seq() + 1,
        "torn tail: " + std::to_string(end - start) +
            " bytes behind the last whole line, as a power cut leaves them (or being written just now)");
  }

  void check_heads() {
    walk_.enter_file(kHeadName);
    const bool new_log = walk_.last_seq() == 0 && !head_ && head_.error().code == base::Code::not_found;
    if (!head_ && !new_log)
      walk_.add(Kind::head_missing, 0, 0, head_.error().text() + ": lines cut off at the end would not show");
    if (head_) {
      walk_.check_head(head_->at, "the head file");
      check_start();
      check_behind();
    }
    if (expected_) walk_.check_head(*expected_, "the head given");
  }

  void check_start() {
    const auto first = walk_.first_seq();
    if (first > head_->first_seq)
      walk_.add(Kind::missing, 0, head_->first_seq,
                "lines " + std::to_string(head_->first_seq) + " to " + std::to_string(first - 1) +
                    " are missing at the beginning: rotation did not delete them");
    else if (first > 1)
      walk_.add(Kind::starts_later, 0, first,
                "the log starts at line " + std::to_string(first) + ": rotation deleted what was older");
  }

  // A daemon at work is always a moment ahead of the head that was read first: read it again.
  void check_behind() {
    const auto now = read_head(folder_);
    const auto seq = now ? now->at.seq : head_->at.seq;
    if (seq < walk_.last_seq())
      walk_.add(
          Kind::head_behind, 0, seq,
          std::to_string(walk_.last_seq() - seq) +
              " whole lines stand behind the head: written as the power went, or the head is an older copy");
  }

  const std::string& folder_;
  const std::optional<Position>& expected_;
  const base::Result<Head> head_;  // read before the files: they hold at least what it names
  ChainWalk walk_;
};

}  // namespace

Report verify(const std::string& folder, const std::optional<Position>& expected) {
  for (int attempt = 1;; ++attempt) {
    Verification verification(folder, expected);
    const auto before = list_files(folder);
    Report report = verification.run(before);
    const auto after = list_files(folder);
    const bool stable = before.ok() && after.ok() && *before == *after;
    if (stable || !before || attempt == kAttempts) return report;
  }
}

}  // namespace fairlead::audit
