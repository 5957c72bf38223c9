#include "host/private_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/file.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::host {

namespace {

constexpr std::size_t kDeepest = 64;  // folders that are open at a time; what lies deeper is moved up first
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

class Removal {
 public:
  explicit Removal(std::size_t most) : left_(most) {}

  bool run(const std::string& path) {
    if (!open(AT_FDCWD, path)) return errno == ENOENT;
    while (!open_.empty() && left_ > 0) {
      if (!step()) return false;
    }
    return open_.empty() && ::rmdir(path.c_str()) == 0;
  }

 private:
  struct Level {
    OpenFolder folder;
    int fd;  // of that
    std::string name;
  };

  // The child may have taken its own rights away.
  bool open(int in, const std::string& name) {
    int fd = ::openat(in, name.c_str(), kFolderFlags);
    if (fd < 0 && errno == EACCES && ::fchmodat(in, name.c_str(), 0700, 0) == 0)
      fd = ::openat(in, name.c_str(), kFolderFlags);
    if (fd < 0) return false;
    ::fchmod(fd, 0700);
    OpenFolder folder(::fdopendir(fd));
    if (!folder) {
      ::close(fd);
      return false;
    }
    open_.push_back({std::move(folder), fd, name});
    return true;
  }

  // One entry of the innermost folder, or, when it is empty, the folder.
  bool step() {
    DIR* folder = open_.back().folder.get();
    errno = 0;
    const dirent* entry = ::readdir(folder);
    if (entry == nullptr) return errno == 0 && leave();
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) return true;
    --left_;
    const int in = open_.back().fd;
    const std::string name = entry->d_name;
    if (::unlinkat(in, name.c_str(), 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    return open_.size() < kDeepest ? open(in, name) : move_up(in, name);
  }

  bool leave() {
    const Level level = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      if (moved_ == 0) return true;
      moved_ = 0;
      return open(AT_FDCWD, level.name);
    }
    return ::unlinkat(open_.back().fd, level.name.c_str(), AT_REMOVEDIR) == 0;
  }

  bool move_up(int in, const std::string& name) {
    const auto fresh = ".deep-" + std::to_string(left_);
    ++moved_;
    // To move a folder is to write to it.
    return ::fchmodat(in, name.c_str(), 0700, 0) == 0 &&
           ::renameat(in, name.c_str(), open_.front().fd, fresh.c_str()) == 0;
  }

  std::size_t left_;
  std::size_t moved_ = 0;
  std::vector<Level> open_;
};

}  // namespace

base::Result<std::string> make_private_folder(const std::string& in) {
  auto path = base::join_path(in, "fairlead-XXXXXX");
  if (::mkdtemp(path.data()) == nullptr)
    return base::os_error("cannot make a private folder in " + in, errno);
  return path;
}

std::string input_path(const std::string& folder) {
  return base::join_path(folder, "input");
}

base::Result<> write_input(const std::string& folder, const std::string& input) {
  const auto path = input_path(folder);
  const base::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return base::os_error("open " + path, errno);
  return base::write_all(file.get(), input);
}

bool remove_private_folder(const std::string& path, std::size_t most) {
  for (int tries = 0; tries < 3; ++tries)  // a file system may pass over entries of a folder that changes
    if (Removal(most).run(path)) return true;
  return false;
}

}  // namespace fairlead::host
