#include "loop/address.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace fairlead::loop {

Address Address::from(const sockaddr* address, socklen_t length) {
  Address out;
  out.length_ = length > sizeof out.storage_ ? socklen_t{sizeof out.storage_} : length;
  std::memcpy(&out.storage_, address, out.length_);
  return out;
}

std::optional<Address> Address::numeric(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1)
    return from(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1)
    return from(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  return std::nullopt;
}

base::Result<Address> Address::unix_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return base::Error{base::Code::bad_request, "a UNIX socket path has 1 to 107 bytes", path};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return from(reinterpret_cast<const sockaddr*>(&address),
              static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1));
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string Address::text() const {
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(port());
  }
  if (family() == AF_UNIX) return reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
  return "?";
}

namespace {

base::Error socket_error(std::string_view what, const Address& address) {
  const bool taken = errno == EADDRINUSE;
  base::Error error = base::os_error(what, errno);
  error.where = address.text();
  if (taken) error.code = base::Code::conflict;
  return error;
}

base::UniqueFd new_socket(const Address& address) {
  return base::UniqueFd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

base::Result<base::UniqueFd> listen_on(const Address& address, int backlog) {
  base::UniqueFd fd = new_socket(address);
  if (!fd) return socket_error("cannot make a socket", address);
  const int on = 1;
  if (address.family() != AF_UNIX) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), address.raw(), address.length()) != 0) return socket_error("cannot bind", address);
  if (::listen(fd.get(), backlog) != 0) return socket_error("cannot listen", address);
  return fd;
}

base::Result<base::UniqueFd> start_connect(const Address& address) {
  base::UniqueFd fd = new_socket(address);
  if (!fd) return socket_error("cannot make a socket", address);
  if (::connect(fd.get(), address.raw(), address.length()) != 0 && errno != EINPROGRESS)
    return socket_error("cannot connect", address);
  return fd;
}

int connect_result(int fd) {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) return errno;
  return failure;
}

base::Result<std::optional<base::UniqueFd>> accept_one(int listener) {
  for (;;) {
    base::UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) return std::optional<base::UniqueFd>(std::move(fd));
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<base::UniqueFd>();
    return base::os_error("cannot accept", errno);
  }
}

void set_no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // ENOPROTOOPT on UNIX sockets is fine
}

void set_user_timeout(int fd, std::uint32_t millis) {
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &millis, sizeof millis);
}

TcpState tcp_state(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {base::Millis(info.tcpi_rto / 1000), info.tcpi_retransmits};  // the first is in microseconds
}

void set_reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace fairlead::loop
