#include "audit/recovery.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "audit/line_reader.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"

namespace fairlead::audit {

namespace {

constexpr std::uint64_t kWindow = 256u << 10;   // how much of a file's end is looked at
constexpr std::uint64_t kTornKept = 16u << 20;  // a longer torn tail is kept only this far

// What the end of one file says.
struct Tail {
  std::optional<Position> last;  // its last line, or the line before the file when it has none
  bool saw_line = false;
  std::uint64_t good_end = 0;  // the file is whole up to here; what follows is torn
  std::string fault;           // the first thing that is wrong and not torn
};

// Walks the lines from `from` on; `before` is the place that the first of them should follow, where known.
class TailWalk {
 public:
  TailWalk(std::optional<Position> before, const std::optional<Position>& head) : head_(head) {
    tail_.last = std::move(before);
  }

  Tail walk(int fd, std::uint64_t from) {
    LineReader reader(fd, from);
    tail_.good_end = from;
    if (from > 0)
      if (const auto cut = reader.next()) tail_.good_end = cut->end;
    while (const auto raw = reader.next())
      if (!take(*raw)) break;
    if (reader.failure() != 0) tail_.fault = "cannot be read to its end";
    return std::move(tail_);
  }

 private:
  // False: everything from this line on is torn.
  bool take(const RawLine& raw) {
    const auto line = parse_line(raw.text);
    if (!raw.terminated) return false;
    if (!line) {
      // Without a head, what cannot be read is torn only if nothing readable follows it: good_end stays.
      unread_ = true;
      if (!head_) return true;
      if (tail_.last && tail_.last->seq >= head_->seq) return false;
    } else {
      if (tail_.last && (line->seq != tail_.last->seq + 1 || line->prev != tail_.last->hash))
        note_fault("line " + std::to_string(line->seq) + " does not continue the chain");
      tail_.last = Position{line->seq, base::sha256_hex(raw.text)};
      tail_.saw_line = true;
      if (head_ && head_->seq == line->seq && head_->hash != tail_.last->hash)
        note_fault("line " + std::to_string(line->seq) + " is not the one that the head names");
    }
    if (unread_) note_fault("a line that cannot be read stands before lines that can");
    unread_ = false;
    tail_.good_end = raw.end;
    return true;
  }

  void note_fault(std::string what) {
    if (tail_.fault.empty()) tail_.fault = std::move(what);
  }

  const std::optional<Position>& head_;
  bool unread_ = false;
  Tail tail_;
};

Tail look_at_end(int fd, std::uint64_t size, const std::optional<Position>& before,
                 const std::optional<Position>& head) {
  if (size > kWindow) {
    Tail tail = TailWalk(std::nullopt, head).walk(fd, size - kWindow);
    if (tail.saw_line) return tail;
  }
  return TailWalk(before, head).walk(fd, 0);
}

// One recovery under way.
class Recovery {
 public:
  Recovery(std::string folder, std::optional<Position> known)
      : folder_(std::move(folder)), known_(std::move(known)) {}

  base::Result<Recovered> run(unsigned folder_mode) {
    if (auto made = base::make_directories(folder_, folder_mode); !made) return made.error();
    remove_leftovers(folder_);
    if (auto read = take_head(); !read) return read.error();
    auto files = list_files(folder_);
    if (!files) return files.error();
    if (auto looked = look_at_rotated(*files); !looked) return looked.error();
    if (auto opened = open_current(); !opened) return opened.error();
    if (auto looked = look_at_current(); !looked) return looked.error();
    settle(*files);
    return std::move(out_);
  }

 private:
  std::string path(std::string_view name) const { return base::join_path(folder_, name); }

  base::Result<> take_head() {
    auto head = read_head(folder_);
    if (head) {
      out_.head = *head;
      head_ = head->at;
    } else if (head.error().code == base::Code::not_found || head.error().code == base::Code::bad_request) {
      head_fault_ = head.error().code == base::Code::not_found ? "missing" : "damaged";
      out_.head_stale = true;
    } else {
      return head.error();
    }
    if (known_ && (!head_ || head_->seq < known_->seq)) head_ = known_;
    return base::success();
  }

  base::Result<> look_at_rotated(const std::vector<LogFile>& files) {
    before_ = Position{};
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      if (file->current) continue;
      const auto fd = open_for_reading(path(file->name));
      if (!fd) return fd.error();
      struct stat facts{};
      if (::fstat(fd->get(), &facts) != 0) return path_error("cannot stat", path(file->name));
      const auto tail =
          look_at_end(fd->get(), static_cast<std::uint64_t>(facts.st_size), std::nullopt, head_);
      if (!tail.fault.empty()) out_.warnings.push_back(file->name + ": " + tail.fault);
      before_ = tail.last;
      break;
    }
    return base::success();
  }

  base::Result<> open_current() {
    const auto current = path(kCurrentName);
    const bool made = !base::exists(current);
    out_.fd.reset(::open(current.c_str(),
                         O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600));
    if (!out_.fd) return path_error("cannot open", current);
    struct stat facts{};
    if (::fstat(out_.fd.get(), &facts) != 0) return path_error("cannot stat", current);
    if (!S_ISREG(facts.st_mode)) return base::Error{base::Code::io, "is not a regular file", current};
    out_.size = static_cast<std::uint64_t>(facts.st_size);
    return made ? base::sync_parent(current) : base::success();
  }

  base::Result<> look_at_current() {
    const Tail tail = look_at_end(out_.fd.get(), out_.size, before_, head_);
    if (!tail.fault.empty()) out_.warnings.push_back(std::string(kCurrentName) + ": " + tail.fault);
    last_ = tail.last.value_or(Position{});
    if (tail.good_end < out_.size)
      if (auto cut = put_torn_aside(tail.good_end); !cut) return cut;
    LineReader reader(out_.fd.get());
    const auto first = reader.next();
    const auto line = first ? parse_line(first->text) : base::Result<Line>(base::Error{});
    first_in_current_ = line ? line->seq : 0;
    return base::success();
  }

  // Copies what stands behind `good_end` to a file of its own, then cuts it off.
  base::Result<> put_torn_aside(std::uint64_t good_end) {
    std::string torn(std::min(out_.size - good_end, kTornKept), '\0');
    const auto got = ::pread(out_.fd.get(), torn.data(), torn.size(), static_cast<off_t>(good_end));
    if (got < 0) return path_error("cannot read", path(kCurrentName));
    torn.resize(static_cast<std::size_t>(got));
    const auto name = "audit.torn-" + base::iso8601(base::wall_now());
    const bool kept = base::replace_file(path(name), torn).ok();  // a full disk must not stop the log for it
    if (::ftruncate(out_.fd.get(), static_cast<off_t>(good_end)) != 0 || ::fsync(out_.fd.get()) != 0)
      return path_error("cannot cut the torn tail of", path(kCurrentName));
    const auto bytes = std::to_string(out_.size - good_end);
    out_.size = good_end;
    out_.notes.push_back(own_entry("audit_torn_tail", "bytes=" + bytes + " sha256=" + base::sha256_hex(torn) +
                                                          (kept ? " kept=" + name : " not kept")));
    return base::success();
  }

  void settle(const std::vector<LogFile>& files) {
    out_.at = head_ && head_->seq >= last_.seq ? *head_ : last_;
    if (head_ && head_->seq > last_.seq)
      out_.notes.push_back(own_entry(
          "audit_gap", "the head says " + to_string(*head_) + ", the last line is " + to_string(last_)));
    else if (head_ && head_->seq == last_.seq && head_->hash != last_.hash)
      out_.notes.push_back(own_entry(
          "audit_mismatch", "the head says " + to_string(*head_) + ", the last line is " + to_string(last_)));
    if (!head_fault_.empty() && last_.seq > 0)
      out_.notes.push_back(own_entry("audit_head_lost", "the head file was " + head_fault_));
    for (const auto& note : out_.notes) out_.warnings.push_back(note.entry.event + ": " + note.entry.detail);
    out_.first_seq = first_in_current_ > 0 ? first_in_current_ : out_.at.seq + 1;
    if (!head_fault_.empty()) {
      const bool rotated = !files.empty() && !files.front().current;
      out_.head.first_seq = rotated ? files.front().first_seq : out_.first_seq;
    }
    if (out_.head.at != out_.at) out_.head_stale = true;
    out_.head.at = out_.at;
  }

  const std::string folder_;
  const std::optional<Position> known_;
  std::optional<Position> head_;  // as known or on disk, whichever is further
  std::string head_fault_;
  std::optional<Position> before_;  // the last line of the newest rotated file
  Position last_;
  std::uint64_t first_in_current_ = 0;
  Recovered out_;
};

}  // namespace

base::Result<Recovered> recover(const std::string& folder, unsigned folder_mode,
                                const std::optional<Position>& known) {
  return Recovery(folder, known).run(folder_mode);
}

}  // namespace fairlead::audit
