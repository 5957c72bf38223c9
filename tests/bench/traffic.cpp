// bench_traffic: both ends of what scripts/bench sends through a tunnel. Plain blocking sockets on 127.0.0.1
// and a thread a connection, so that it costs little beside what is measured and needs no library.
//
//   serve PORT                                the service; prints "ready" when it listens
//   bulk-up PORT BYTES CONNECTIONS            service to client: for a remote forward what this side uploads
//   bulk-down PORT BYTES CONNECTIONS          client to service
//   ping PORT COUNT                           64-byte round trips on one connection
//   ping-beside-up|ping-beside-down PORT COUNT   the same while a bulk transfer fills the tunnel
//   ping-beside-stalled PORT COUNT CONSUMERS SECONDS
//                                             the same after so many connections have asked for a stream
//                                             and read none of it for so long
//   wait SECONDS PORT…                        until a byte has crossed and come back on each port
//
// A client prints one JSON line. The service's first byte says what a connection wants: 'e' everything comes
// back; 's' (sink) a length, so many bytes in, the length back; 'S' (source) a length, so many bytes out.
// Lengths are 8 bytes in host order: both ends are this program. Exit code 1 with a line on stderr when
// anything fails.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBuffer = 256 << 10;
constexpr std::size_t kPing = 64;
constexpr int kWarmUp = 100;
constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench_traffic: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) die("socket");
  }
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool try_connect(const Socket& socket, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Socket connected(std::uint16_t port) {
  Socket socket;
  if (!try_connect(socket, port)) die("connect to port " + std::to_string(port));
  return socket;
}

bool send_all(int fd, const void* bytes, std::size_t count) {
  const auto* next = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t put = ::send(fd, next, count, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    next += put;
    count -= static_cast<std::size_t>(put);
  }
  return true;
}

bool receive_all(int fd, void* bytes, std::size_t count) {
  auto* next = static_cast<char*>(bytes);
  while (count > 0) {
    const ssize_t got = ::recv(fd, next, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

std::size_t next_chunk(std::uint64_t left) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(left, kBuffer));
}

// So many bytes into the connection, until `stop` when there is one. False when the other side went away.
bool pour(int fd, std::uint64_t count, const std::atomic<bool>* stop = nullptr) {
  const std::vector<char> bytes(kBuffer, 'x');
  for (std::size_t chunk = 0; count > 0; count -= chunk) {
    if (stop != nullptr && *stop) return true;
    chunk = next_chunk(count);
    if (!send_all(fd, bytes.data(), chunk)) return false;
  }
  return true;
}

bool swallow(int fd, std::uint64_t count, const std::atomic<bool>* stop = nullptr) {
  std::vector<char> bytes(kBuffer);
  while (count > 0) {
    if (stop != nullptr && *stop) return true;
    const ssize_t got = ::recv(fd, bytes.data(), next_chunk(count), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    count -= static_cast<std::uint64_t>(got);
  }
  return true;
}

// ---- the service

void echo(int fd) {
  std::vector<char> bytes(kBuffer);
  for (;;) {
    const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0 || !send_all(fd, bytes.data(), static_cast<std::size_t>(got))) return;
  }
}

void attend(Socket socket) {
  char want = 0;
  std::uint64_t length = 0;
  if (!receive_all(socket.fd(), &want, 1)) return;
  if (want == 'e') return echo(socket.fd());
  if (!receive_all(socket.fd(), &length, sizeof length)) return;
  if (want == 'S') pour(socket.fd(), length);
  if (want == 's' && swallow(socket.fd(), length)) send_all(socket.fd(), &length, sizeof length);
}

int serve(std::uint16_t port) {
  const Socket listener;
  const sockaddr_in address = loopback(port);
  const int on = 1;
  ::setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.fd(), 1024) != 0)
    die("listen on port " + std::to_string(port));
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(attend, Socket(fd)).detach();
  }
}

// ---- the clients

bool begin(int fd, bool up, std::uint64_t bytes) {
  const char want = up ? 'S' : 's';
  return send_all(fd, &want, 1) && send_all(fd, &bytes, sizeof bytes);
}

void transfer(int fd, bool up, std::uint64_t bytes) {
  if (!begin(fd, up, bytes)) die("bulk request");
  if (up) {
    if (!swallow(fd, bytes)) die("bulk-up");
    return;
  }
  std::uint64_t arrived = 0;  // the other side's word, so that nothing is counted that is still under way
  if (!pour(fd, bytes) || !receive_all(fd, &arrived, sizeof arrived) || arrived != bytes) die("bulk-down");
}

int bulk(std::uint16_t port, bool up, std::uint64_t bytes, int connections) {
  std::vector<Socket> sockets;
  for (int i = 0; i < connections; ++i) sockets.push_back(connected(port));
  const std::uint64_t share = bytes / static_cast<std::uint64_t>(connections);
  const auto began = Clock::now();
  std::vector<std::thread> threads;
  for (const auto& socket : sockets) threads.emplace_back(transfer, socket.fd(), up, share);
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - began;
  std::printf("{\"bytes\": %llu, \"seconds\": %.6f}\n",
              static_cast<unsigned long long>(share * static_cast<std::uint64_t>(connections)), took.count());
  return 0;
}

double round_trip_us(int fd) {
  std::array<char, kPing> bytes{};
  bytes.fill('p');
  const auto began = Clock::now();
  if (!send_all(fd, bytes.data(), bytes.size()) || !receive_all(fd, bytes.data(), bytes.size())) die("ping");
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

int ping(std::uint16_t port, int count) {
  const Socket socket = connected(port);
  if (!send_all(socket.fd(), "e", 1)) die("ping");
  for (int i = 0; i < kWarmUp; ++i) round_trip_us(socket.fd());
  std::vector<double> took;
  for (int i = 0; i < count; ++i) took.push_back(round_trip_us(socket.fd()));
  std::sort(took.begin(), took.end());
  const auto at = [&took](double part) {
    return took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))];
  };
  std::printf("{\"count\": %d, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n", count, at(0.5),
              at(0.99), took.back());
  return 0;
}

int ping_beside_bulk(std::uint16_t port, int count, bool up) {
  const Socket bulky = connected(port);
  if (!begin(bulky.fd(), up, kEndless)) die("bulk request");
  std::atomic<bool> stop = false;
  std::atomic<bool> lasted = false;
  std::thread load(
      [&] { lasted = up ? swallow(bulky.fd(), kEndless, &stop) : pour(bulky.fd(), kEndless, &stop); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // windows and buffers fill
  const int code = ping(port, count);
  stop = true;
  load.join();
  if (!lasted) die("the bulk transfer ended before the pings");
  return code;
}

// Connections that asked for an endless stream and read none of it, for as long as they live: their windows
// fill.
std::vector<Socket> stalled_consumers(std::uint16_t port, int count, int seconds) {
  std::vector<Socket> sockets;
  for (int i = 0; i < count; ++i) {
    sockets.push_back(connected(port));
    if (!begin(sockets.back().fd(), true, kEndless)) die("bulk request");
  }
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  return sockets;
}

int ping_beside_stalled(std::uint16_t port, int count, int consumers, int seconds) {
  const std::vector<Socket> stalled = stalled_consumers(port, consumers, seconds);
  return ping(port, count);
}

// True when a byte went through the tunnel and came back. Refused or cut connections mean: not yet.
bool crosses(std::uint16_t port) {
  const Socket socket;
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char byte = '!';
  return try_connect(socket, port) && send_all(socket.fd(), "e!", 2) && receive_all(socket.fd(), &byte, 1) &&
         byte == '!';
}

// Prints the moment when the last port was seen to work, on CLOCK_MONOTONIC, so that the caller can subtract
// a moment of his own that lies before this program's start.
int wait(int seconds, const std::vector<std::uint16_t>& ports) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  std::puts("waiting");
  std::fflush(stdout);
  for (const auto port : ports) {
    while (!crosses(port)) {
      if (Clock::now() > deadline) {
        errno = ETIMEDOUT;
        die("nothing crosses port " + std::to_string(port));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  const auto now = Clock::now().time_since_epoch();
  std::printf("{\"monotonic_ns\": %lld}\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
  return 0;
}

std::uint64_t number(const char* text, std::uint64_t most) {
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value == 0 || value > most) {
    errno = EINVAL;
    die(text);
  }
  return value;
}

std::uint16_t port_of(const char* text) {
  return static_cast<std::uint16_t>(number(text, 65535));
}

int count_of(const char* text) {
  return static_cast<int>(number(text, 1'000'000));
}

int run(std::string_view mode, char** rest, int given) {
  if (mode == "serve" && given == 1) return serve(port_of(rest[0]));
  if ((mode == "bulk-up" || mode == "bulk-down") && given == 3)
    return bulk(port_of(rest[0]), mode == "bulk-up", number(rest[1], kEndless), count_of(rest[2]));
  if (mode == "ping" && given == 2) return ping(port_of(rest[0]), count_of(rest[1]));
  if ((mode == "ping-beside-up" || mode == "ping-beside-down") && given == 2)
    return ping_beside_bulk(port_of(rest[0]), count_of(rest[1]), mode == "ping-beside-up");
  if (mode == "ping-beside-stalled" && given == 4)
    return ping_beside_stalled(port_of(rest[0]), count_of(rest[1]), count_of(rest[2]), count_of(rest[3]));
  if (mode == "wait" && given >= 2) {
    std::vector<std::uint16_t> ports;
    for (int i = 1; i < given; ++i) ports.push_back(port_of(rest[i]));
    return wait(count_of(rest[0]), ports);
  }
  std::fputs("usage: see the top of tests/bench/traffic.cpp\n", stderr);
  return 64;
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  return count < 2 ? run("", words, 0) : run(words[1], words + 2, count - 2);
}
