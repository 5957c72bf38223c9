// Sockets of the other side, and a folder for files: what a protocol test stands on.
#pragma once
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "base/file.hpp"
#include "base/unique_fd.hpp"
#include "claimed_port.hpp"
#include "cmocka.hpp"
#include "loop/address.hpp"

namespace fairlead::test {

struct Listening {
  base::UniqueFd fd;
  std::uint16_t port = 0;
  base::UniqueFd claim = {};
};

// Below the ephemeral range: a port of there may be taken by an outgoing connection at any moment.
inline Listening listen_free(int backlog = 128) {
  static std::uint16_t next = static_cast<std::uint16_t>(20'000 + ::getpid() % 11'000);
  for (int tries = 0; tries < 500; ++tries) {
    const std::uint16_t port = next++;
    auto claim = claim_port(port);
    if (!claim) continue;
    auto fd = loop::listen_on(*loop::Address::numeric("127.0.0.1", port), backlog);
    if (fd) return {std::move(*fd), port, std::move(claim)};
  }
  fail_msg("no free port");
  return {};
}

inline bool await(int fd, short events) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, 90'000) == 1;
}

inline base::UniqueFd connect_to(std::uint16_t port) {
  auto fd = loop::start_connect(*loop::Address::numeric("127.0.0.1", port));
  assert_true(fd.ok());
  return std::move(*fd);
}

inline base::UniqueFd accept_from(const Listening& listener) {
  assert_true(await(listener.fd.get(), POLLIN));
  auto accepted = loop::accept_one(listener.fd.get());
  assert_true(accepted.ok() && accepted->has_value());
  return std::move(**accepted);
}

// Two ends of one TCP connection.
inline std::pair<base::UniqueFd, base::UniqueFd> tcp_pair() {
  const auto listener = listen_free();
  auto ours = connect_to(listener.port);
  auto theirs = accept_from(listener);
  assert_true(await(ours.get(), POLLOUT));
  return {std::move(ours), std::move(theirs)};
}

// All that can be read now is appended; false when the stream has ended, errno set when by an error (else 0).
inline bool read_available(int fd, std::string& into) {
  char bytes[16'384];
  for (;;) {
    const auto got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) {
      into.append(bytes, static_cast<std::size_t>(got));
    } else if (got == 0) {
      errno = 0;
      return false;
    } else {
      return errno == EAGAIN || errno == EINTR;
    }
  }
}

// Reads to the end of the stream; the error that ended it, or 0.
inline int read_to_end(int fd, std::string& into) {
  while (read_available(fd, into)) assert_true(await(fd, POLLIN));
  return errno;
}

inline void send_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (put > 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (put < 0 && errno == EAGAIN) {
      assert_true(await(fd, POLLOUT));
    } else {
      return;  // the other side has gone: what it makes of that is what the test asks
    }
  }
}

// What has been sent to `fd` is in its socket: loopback delivers at once, but not inside send().
inline void await_bytes(int fd) {
  assert_true(await(fd, POLLIN));
}

class TempDir {
 public:
  TempDir() {
    const char* base = ::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/fairlead-test.XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) fail_msg("no temporary folder");
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // Mode 0600. The path.
  std::string write(const std::string& name, std::string_view text) const {
    const auto path = path_ + "/" + name;
    assert_true(base::replace_file(path, text).ok());
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fairlead::test
