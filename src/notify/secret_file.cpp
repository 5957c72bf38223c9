#include "notify/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::notify {

namespace {

using base::Code;

constexpr std::size_t kMostBytes = 8 * 1024;

base::Error refused(Code code, const std::string& path, std::string message) {
  return {code, std::move(message), path};
}

// Of the file that was opened, so that nobody can put another one in its place in between.
base::Result<> check(int fd, const std::string& path) {
  struct stat found{};
  if (::fstat(fd, &found) != 0) return base::os_error("stat " + path, errno);
  if (!S_ISREG(found.st_mode)) return refused(Code::bad_config, path, "a secret must be in a regular file");
  if ((found.st_mode & (S_IROTH | S_IWOTH)) != 0)
    return refused(Code::forbidden, path, "holds a secret, and everybody may read or write it: chmod o= it");
  if (found.st_size > static_cast<off_t>(kMostBytes))
    return refused(Code::too_large, path, "is too large for a secret (8 KiB)");
  return base::success();
}

}  // namespace

base::Result<std::string> read_secret(const std::string& path) {
  // A FIFO without a writer would be waited for.
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return base::os_error("open " + path, errno);
  if (auto good = check(fd.get(), path); !good) return good.error();
  std::string text(kMostBytes, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto got = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::os_error("read " + path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  std::string secret(base::trim(text));
  if (secret.empty()) return refused(Code::bad_config, path, "is empty: a secret should be in it");
  const bool plain = std::all_of(secret.begin(), secret.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (!plain) return refused(Code::bad_config, path, "must hold one line of plain ASCII");
  return secret;
}

}  // namespace fairlead::notify
