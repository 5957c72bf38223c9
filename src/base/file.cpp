#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "base/random.hpp"
#include "base/text.hpp"

namespace fairlead::base {

namespace {

Error file_error(std::string_view what, const std::string& path) {
  Error error = os_error(what, errno);
  error.where = path;
  return error;
}

// mkdir -p, less the umask: whether the last folder was made, or was there.
Result<bool> make_missing(const std::string& path, mode_t mode) {
  if (path.empty() || path == "/" || path == ".") return false;
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0) {
    if (S_ISDIR(facts.st_mode)) return false;
    return Error{Code::io, "is in the way: not a folder", path};
  }
  if (auto made = make_missing(parent_of(path), 0755); !made) return made;
  if (::mkdir(path.c_str(), mode) == 0) return true;
  if (errno == EEXIST) return false;
  return file_error("cannot make folder", path);
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) {
    const bool missing = errno == ENOENT;
    Error error = file_error("cannot open", path);
    if (missing) error.code = Code::not_found;
    return error;
  }
  struct stat facts{};
  if (::fstat(fd.get(), &facts) != 0) return file_error("cannot stat", path);
  if (!S_ISREG(facts.st_mode)) return Error{Code::io, "is not a regular file", path};
  std::string text;
  char chunk[16384];
  for (;;) {
    const auto got = ::read(fd.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path);
    if (got == 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
    if (text.size() > limit) return Error{Code::too_large, "is larger than " + format_bytes(limit), path};
  }
}

Result<> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return os_error("cannot write", errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return success();
}

Result<> sync_parent(const std::string& path) {
  const UniqueFd folder(::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return file_error("cannot open folder of", path);
  if (::fsync(folder.get()) != 0) return file_error("cannot sync folder of", path);
  return success();
}

Result<> replace_file(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + "." + std::to_string(random_seed()) + ".tmp";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return file_error("cannot create", temporary);
  Result<> written = write_all(fd.get(), text);
  if (written && ::fsync(fd.get()) != 0) written = file_error("cannot sync", temporary);
  fd.reset();
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = file_error("cannot rename to", path);
  if (!written) {
    ::unlink(temporary.c_str());
    if (written.error().where.empty()) written.error().where = path;
    return written;
  }
  return sync_parent(path);
}

Result<> make_directories(const std::string& path, mode_t mode) {
  const auto made = make_missing(path, mode);
  if (!made) return made.error();
  if (*made && ::chmod(path.c_str(), mode) != 0) return file_error("cannot set the mode of", path);
  return success();
}

Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return file_error("cannot open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{Code::conflict, "is locked by another process", path};
    return file_error("cannot lock", path);
  }
  return fd;
}

bool exists(const std::string& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0;
}

std::string parent_of(const std::string& path) {
  const auto at = path.find_last_of('/');
  if (at == std::string::npos) return ".";
  return at == 0 ? "/" : path.substr(0, at);
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (name.starts_with('/') || folder.empty()) return std::string(name);
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

}  // namespace fairlead::base
