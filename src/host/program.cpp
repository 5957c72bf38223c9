#include "host/program.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"

namespace fairlead::host {

namespace {

constexpr std::size_t kPartSize = 256u << 10;
constexpr std::int64_t kMaxCopy = 16 << 20;
constexpr unsigned int kExecutable = 0x0010U;  // MFD_EXEC, Linux 6.3; not yet in Debian 12's headers

base::Error cannot(const std::string& path, int error) {
  auto why = base::os_error("cannot execute " + path, error);
  if (error == ENOENT || error == ENOTDIR) why.code = base::Code::not_found;
  return why;
}

// A file that root alone can change needs no copy.
bool changes_by_root_alone(const struct stat& seen) {
  return seen.st_uid == 0 && (seen.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Not to be waited for (a FIFO), and with what execve(2) would look at: a plain file that we may execute, on
// a file system where that is allowed.
base::Result<base::UniqueFd> open_plain(const std::string& path, struct stat& seen) {
  base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file || ::fstat(file.get(), &seen) != 0) return cannot(path, errno);
  if (!S_ISREG(seen.st_mode)) return cannot(path, EACCES);
  // Where the kernel cannot say it of a descriptor (EINVAL), or a container's filter forbids to ask (EPERM),
  // the hash alone decides.
  if (::faccessat(file.get(), "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0 && errno == EACCES)
    return cannot(path, errno);
  return file;
}

base::Result<base::UniqueFd> new_copy(const std::string& path) {
  constexpr unsigned int kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  base::UniqueFd copy(::memfd_create("program", kFlags | kExecutable));
  if (!copy && errno == EINVAL) copy.reset(::memfd_create("program", kFlags));
  if (copy) return copy;
  if (errno != EACCES) return base::os_error("cannot copy " + path + " into memory", errno);
  return base::Error{base::Code::unsupported,
                     "this machine executes no file in memory (sysctl vm.memfd_noexec), so " + path +
                         " must be a program that root alone can change, and no script",
                     {}};
}

base::Result<> seal(const base::UniqueFd& copy, const std::string& path) {
  if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
    return base::success();
  return base::os_error("cannot seal the copy of " + path, errno);
}

// Hashes all of the file, and appends what was hashed to `copy` unless that is null.
base::Result<std::string> read_through(int file, const base::UniqueFd* copy, const std::string& path,
                                       const std::function<bool()>& stop) {
  const auto part = std::make_unique<char[]>(kPartSize);
  base::Sha256 hash;
  for (std::int64_t at = 0;;) {
    const auto got = ::pread(file, part.get(), kPartSize, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::os_error("read " + path, errno);
    if (got == 0) break;
    const std::string_view bytes(part.get(), static_cast<std::size_t>(got));
    hash.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    at += got;
    if (copy != nullptr) {
      if (at > kMaxCopy) return base::Error{base::Code::too_large, path + " grows while it is read", {}};
      if (auto written = base::write_all(copy->get(), bytes); !written) return written.error();
    }
    if (stop()) return base::Error{base::Code::cancelled, "given up while " + path + " was hashed", {}};
  }
  return base::hex(hash.digest());
}

base::Error other_hash(const std::string& path, const std::string& found, const std::string& wanted) {
  return {
      base::Code::forbidden,
      path + " has the SHA-256 " + found + ", the configuration allows " + wanted +
          ": nothing was run. If the change is yours, enter the new one there; if not, find out whose it is",
      {}};
}

}  // namespace

base::Result<Program> open_program(const std::string& path, const std::string& sha256,
                                   const std::function<bool()>& stop) {
  struct stat seen = {};
  auto file = open_plain(path, seen);
  if (!file) return file.error();
  char begin[2] = {};
  const bool is_script = ::pread(file->get(), begin, 2, 0) == 2 && begin[0] == '#' && begin[1] == '!';
  const bool to_copy = is_script || !changes_by_root_alone(seen);
  if (to_copy && seen.st_size > kMaxCopy)
    return base::Error{base::Code::too_large,
                       path +
                           " is larger than 16 MiB, so it must be a program that belongs to root and that "
                           "nobody else can write to: what others can change is run from a copy",
                       {}};
  base::UniqueFd copy;
  if (to_copy) {
    auto made = new_copy(path);
    if (!made) return made.error();
    copy = std::move(*made);
  }
  const auto found = read_through(file->get(), to_copy ? &copy : nullptr, path, stop);
  if (!found) return found.error();
  if (*found != sha256) return other_hash(path, *found, sha256);
  if (!to_copy) return Program{std::move(*file), false};
  if (auto sealed = seal(copy, path); !sealed) return sealed.error();
  return Program{std::move(copy), is_script};
}

}  // namespace fairlead::host
