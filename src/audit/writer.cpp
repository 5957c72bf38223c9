#include "audit/writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/file.hpp"
#include "base/hash.hpp"

namespace fairlead::audit {

namespace {

constexpr std::size_t kChunk = 1u << 20;  // memory for one write(2) and its fdatasync

}  // namespace

std::string Writer::path(std::string_view name) const {
  return base::join_path(settings_.folder, name);
}

Outcome Writer::write(const std::vector<Pending>& batch) {
  out_ = Outcome{};
  committed_ = 0;
  const auto opened = ensure_open();
  const auto notes = notes_.size();
  base::Result<> done = opened ? write_all(batch) : opened;
  // After a failure too: what is on disk should be named by the head.
  const base::Result<> saved = opened && head_stale_ ? save_head(kCurrentName) : base::success();
  if (done) done = saved;
  if (!done) out_.error = done.error().text();
  out_.written = committed_ > notes ? committed_ - notes : 0;
  notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(std::min(committed_, notes)));
  out_.at = at_.value_or(Position{});
  return std::move(out_);
}

base::Result<> Writer::write_all(const std::vector<Pending>& batch) {
  std::vector<const Pending*> entries;
  entries.reserve(notes_.size() + batch.size());
  for (const auto& note : notes_) entries.push_back(&note);
  for (const auto& pending : batch) entries.push_back(&pending);
  Chunk chunk{{}, 0, *at_};
  for (const Pending* pending : entries) {
    std::string line = format_line(*pending, chunk.end) + '\n';
    const auto length = size_ + chunk.text.size();
    const bool full = length > 0 && length + line.size() > settings_.max_bytes;
    if (full || chunk.text.size() + line.size() > kChunk)
      if (auto committed = commit(chunk); !committed) return committed;
    if (full)
      if (auto rotated = rotate(); !rotated) return rotated;
    chunk.end = {chunk.end.seq + 1, base::sha256_hex(std::string_view(line).substr(0, line.size() - 1))};
    chunk.text += line;
    ++chunk.entries;
  }
  return commit(chunk);
}

base::Result<> Writer::ensure_open() {
  if (fd_ && cut_back_) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)
      return path_error("cannot cut", path(kCurrentName));
    cut_back_ = false;
  }
  if (fd_ && still_ours()) return base::success();
  if (fd_) out_.warnings.push_back(std::string(kCurrentName) + " was changed or taken away by someone else");
  fd_.reset();
  auto found = recover(settings_.folder, settings_.folder_mode, at_);
  if (!found) return found.error();
  fd_ = std::move(found->fd);
  at_ = found->at;
  size_ = found->size;
  first_seq_ = found->first_seq;
  head_ = found->head;
  head_stale_ = found->head_stale;
  for (auto& note : found->notes) notes_.push_back(std::move(note));
  for (auto& warning : found->warnings) out_.warnings.push_back(std::move(warning));
  return base::success();
}

// Writing into a file that was renamed or deleted would lose what we then call written.
bool Writer::still_ours() const {
  struct stat named{}, open{};
  if (::fstat(fd_.get(), &open) != 0 || ::lstat(path(kCurrentName).c_str(), &named) != 0) return false;
  return named.st_ino == open.st_ino && named.st_dev == open.st_dev &&
         static_cast<std::uint64_t>(open.st_size) == size_;
}

base::Result<> Writer::commit(Chunk& chunk) {
  if (chunk.entries == 0) return base::success();
  auto written = base::write_all(fd_.get(), chunk.text);
  // After a failed fdatasync the kernel may call the pages clean: they are cut off and written anew.
  if (written && ::fdatasync(fd_.get()) != 0) written = base::os_error("cannot sync", errno);
  if (!written) {
    cut_back_ = ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0;
    written.error().where = path(kCurrentName);
    return written;
  }
  if (size_ == 0) first_seq_ = at_->seq + 1;
  size_ += chunk.text.size();
  at_ = chunk.end;
  committed_ += chunk.entries;
  head_stale_ = true;
  chunk.text.clear();
  chunk.entries = 0;
  return base::success();
}

base::Result<> Writer::rotate() {
  const auto name = free_name(settings_.folder, first_seq_);
  if (::rename(path(kCurrentName).c_str(), path(name).c_str()) != 0)
    return path_error("cannot rotate", path(kCurrentName));
  fd_.reset(::open(path(kCurrentName).c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                   0600));
  if (!fd_) return path_error("cannot make", path(kCurrentName));
  size_ = 0;
  first_seq_ = at_->seq + 1;
  if (auto synced = base::sync_parent(path(kCurrentName)); !synced) return synced;
  if (auto saved = save_head(name); !saved) return saved;
  out_.rotated.push_back(head_);
  return prune();
}

// The head learns first which line will be the oldest: a file that is missing for another reason then shows.
base::Result<> Writer::prune() {
  auto files = list_files(settings_.folder);
  if (!files) return files.error();
  std::erase_if(*files, [](const LogFile& file) { return file.current; });
  if (files->size() <= settings_.keep) return base::success();
  const auto excess = files->size() - settings_.keep;
  head_.first_seq = settings_.keep > 0 ? (*files)[excess].first_seq : first_seq_;
  if (auto saved = save_head(head_.file); !saved) return saved;
  for (std::size_t i = 0; i < excess; ++i)
    if (::unlink(path((*files)[i].name).c_str()) != 0)
      return path_error("cannot delete", path((*files)[i].name));
  return base::success();
}

base::Result<> Writer::save_head(const std::string& file) {
  head_.at = *at_;
  head_.file = file;
  head_stale_ = true;
  auto saved = write_head(settings_.folder, head_);
  if (saved) head_stale_ = false;
  return saved;
}

}  // namespace fairlead::audit
