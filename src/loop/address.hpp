// Socket addresses and the non-blocking sockets made from them. No callbacks here; see connector.hpp and
// poll.hpp.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace fairlead::loop {

// IPv4, IPv6 or UNIX; comparable as text.
class Address {
 public:
  static Address from(const sockaddr* address, socklen_t length);
  // A numeric IPv4 or IPv6 address; nothing for a name.
  static std::optional<Address> numeric(const std::string& host, std::uint16_t port);
  // Error when the path is longer than sun_path holds (107 bytes).
  static base::Result<Address> unix_path(const std::string& path);

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;  // 0 for UNIX
  std::string text() const;    // "127.0.0.1:80", "[::1]:80", "/run/x.sock"

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// Non-blocking, close-on-exec; SO_REUSEADDR for TCP. Error text names the address; Code::conflict when it is
// in use.
base::Result<base::UniqueFd> listen_on(const Address& address, int backlog = 128);

// Starts a non-blocking connect: the descriptor becomes writable when it is done; then connect_result()
// tells.
base::Result<base::UniqueFd> start_connect(const Address& address);
int connect_result(int fd);  // 0 or an errno

// accept4(2) of one connection: nothing when none waits. Out of descriptors is Code::io.
base::Result<std::optional<base::UniqueFd>> accept_one(int listener);

void set_no_delay(int fd);
// Linux TCP_USER_TIMEOUT (tcp(7)): unacknowledged data older than this ends the connection with ETIMEDOUT.
void set_user_timeout(int fd, std::uint32_t millis);
// What the kernel knows of a connection (TCP_INFO, tcp(7)); zeros where it will not say.
struct TcpState {
  base::Millis retransmit_timeout{0};  // how long it waits now for an acknowledgement before it sends again
  int retransmissions = 0;             // of the oldest bytes on their way, none acknowledged
};
TcpState tcp_state(int fd);
// close() will send RST instead of FIN: how a refused connection is told so at once.
void set_reset_on_close(int fd);

}  // namespace fairlead::loop
