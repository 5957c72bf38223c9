#include "audit/verify.hpp"

#include <set>

#include "audit/chain_walk.hpp"
#include "audit/folder.hpp"
#include "audit/line_reader.hpp"
#include "base/file.hpp"

namespace fairlead::audit {

namespace {

constexpr int kVerifyAttempts = 10;  // a daemon that prunes meanwhile takes files away under us

class Verification {
 public:
  Verification(const std::string& folder, const std::optional<Position>& expected)
      : folder_(folder), expected_(expected), head_(read_head(folder)), walk_(watched()) {}

  Report run() {
    read_files();
    check_heads();
    return walk_.finish();
  }
  // A file was deleted by rotation while we were at it: what was found is worth nothing.
  bool overtaken() const { return overtaken_; }

 private:
  std::vector<Position> watched() const {
    std::vector<Position> heads;
    if (head_) heads.push_back(head_->at);
    if (expected_) heads.push_back(*expected_);
    return heads;
  }

  // The daemon may rotate meanwhile: the current file is read only when nothing was put away between listing
  // and opening it, after all that was put away. Once it is open, it may be renamed at will.
  void read_files() {
    for (;;) {
      const auto files = list_files(folder_);
      if (!files) return walk_.add(Kind::unreadable, 0, 0, files.error().text());
      for (const auto& file : *files)
        if (!file.current && read_.insert(file.name).second) read(file, open(file));
      const bool has_current = !files->empty() && files->back().current;
      const auto current = has_current ? open(files->back()) : base::Result<base::UniqueFd>(base::Error{});
      const auto again = list_files(folder_);
      if (!again || *again != *files) continue;
      if (has_current) read(files->back(), current);
      return;
    }
  }

  base::Result<base::UniqueFd> open(const LogFile& file) const {
    return open_for_reading(base::join_path(folder_, file.name));
  }

  void read(const LogFile& file, const base::Result<base::UniqueFd>& fd) {
    walk_.enter_file(file.name);
    if (!fd) {
      const bool gone = fd.error().code == base::Code::not_found;
      if (gone && walk_.first_seq() == 0) return;  // pruned since it was listed: check_start() judges
      overtaken_ = overtaken_ || gone;
      return walk_.add(Kind::unreadable, 0, 0, fd.error().message);
    }
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
      // A daemon at work is a moment ahead of the head that was read first, and may have pruned since.
      const auto again = read_head(folder_);
      check_start(again ? *again : *head_);
      check_behind(again ? *again : *head_);
    }
    if (expected_) walk_.check_head(*expected_, "the head given");
  }

  void check_start(const Head& now) {
    const auto first = walk_.first_seq();
    if (first > now.first_seq)
      walk_.add(Kind::missing, 0, now.first_seq,
                "lines " + std::to_string(now.first_seq) + " to " + std::to_string(first - 1) +
                    " are missing at the beginning: rotation did not delete them");
    else if (first > 1)
      walk_.add(Kind::starts_later, 0, first,
                "the log starts at line " + std::to_string(first) + ": rotation deleted what was older");
  }

  void check_behind(const Head& now) {
    const auto seq = now.at.seq;
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
  std::set<std::string> read_;  // names of rotated files
  bool overtaken_ = false;
};

}  // namespace

Report verify(const std::string& folder, const std::optional<Position>& expected) {
  for (int attempt = 1;; ++attempt) {
    Verification verification(folder, expected);
    Report report = verification.run();
    if (!verification.overtaken() || attempt == kVerifyAttempts) return report;
  }
}

}  // namespace fairlead::audit
