// SSH as a codec: it turns bytes of a socket into channels and back, over two byte queues, and never touches
// a socket itself. This header knows no library; libssh2_codec.hpp implements it, tests implement it with a
// script.
//
// Words of RFC 4254: a channel is one byte stream inside a session, with a window of bytes that may still be
// sent. Ownership: the codec belongs to a session; listeners and channels belong to the codec and die with
// it. Loop thread. Errors: a call that answers `failed` has ended the whole session; failure() says why.
// Channel calls never answer `failed` for what concerns that channel alone.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/tunnel_state.hpp"
#include "ssh/byte_queue.hpp"

namespace fairlead::ssh {

enum class Step : std::uint8_t {
  done,    // finished; the next call would start anew
  again,   // needs more input
  failed,  // the session is over: see failure()
};

struct Failure {
  core::Reason reason = core::Reason::none;
  std::string detail;  // the library's or the server's words, not yet made printable
};

struct HostKey {
  std::string type;                 // "ssh-ed25519", as in known_hosts
  std::vector<std::uint8_t> blob;   // RFC 4253 section 6.6
  std::string fingerprint() const;  // "SHA256:…", as ssh-keygen -l prints it
};

struct Credentials {
  std::string user;
  std::string private_key;  // text of the key file
  std::string passphrase;   // empty: none
};

// What a channel-open was answered with (RFC 4254 section 5.1).
enum class OpenResult : std::uint8_t {
  opened,
  prohibited,      // administratively prohibited: the server's configuration forbids it
  connect_failed,  // the server could not reach the target
  refused,         // any other refusal
  timed_out,       // no answer in time
  never_sent,      // waited behind other opens until its time was over; see ChannelOpener
};

class Channel {
 public:
  virtual ~Channel() = default;
  static constexpr std::ptrdiff_t kBlocked = -1;
  static constexpr std::ptrdiff_t kFailed = -2;

  // True when read() would give bytes or the end of the stream.
  virtual bool readable() = 0;
  // Bytes read, 0 at the end of the peer's stream, kBlocked, or kFailed. Reading re-opens the peer's window:
  // do not read while the local side is slow.
  virtual std::ptrdiff_t read(std::span<std::uint8_t> into) = 0;
  // Bytes the peer's window takes now.
  virtual std::size_t window() const = 0;
  // Bytes taken (may be fewer; never 0 while the window is open), kBlocked, or kFailed. What is taken will be
  // sent, also after the channel is given up: before its CLOSE.
  virtual std::ptrdiff_t write(std::span<const std::uint8_t> bytes) = 0;
  virtual void send_eof() = 0;
  // The peer has sent CLOSE: nothing written from now on reaches anyone. libssh2 tells a writer nothing of
  // it, so it must be asked for after the end of the stream (docs/adr/0003).
  virtual bool closed_by_peer() = 0;
};
using ChannelPtr = std::unique_ptr<Channel>;

class Listener {  // a granted tcpip-forward of the server
 public:
  virtual ~Listener() = default;
};

class Codec {
 public:
  virtual ~Codec() = default;

  ByteQueue& input() { return input_; }    // from the socket; the session appends
  ByteQueue& output() { return output_; }  // for the socket; the session consumes

  // Key exchange (RFC 4253 section 7). `host_key_types`: those recorded for this host, preferred; may be
  // empty.
  virtual Step handshake(const std::vector<std::string>& host_key_types) = 0;
  virtual HostKey host_key() const = 0;        // after handshake() is done
  virtual std::string algorithms() const = 0;  // the same: kex, host key, cipher, MAC
  virtual Step authenticate(const Credentials& credentials) = 0;

  // Asks the server to listen (RFC 4254 section 7.1). `done`: see `listener`, null when the server refused.
  // One at a time: keep calling with the same endpoint until it is not `again`.
  virtual Step listen(const core::Endpoint& endpoint, Listener** listener) = 0;
  // A connection that came in on a listener, or null.
  virtual ChannelPtr accept(Listener* listener) = 0;

  // Opens a direct-tcpip channel (RFC 4254 section 7.2), or a bare session channel when `target` is null. One
  // at a time, as listen(). `done`: `result` is set, and `channel` when it is `opened`.
  virtual Step open(const core::Endpoint* target, ChannelPtr* channel, OpenResult* result) = 0;

  // Takes all of input() in. Must be called when input has grown; the one place where a broken packet shows.
  virtual Step drain() = 0;
  // Sends CLOSE for channels whose owners are gone, and frees those that the peer has closed too. Cheap when
  // none.
  virtual void tidy() = 0;

  virtual void keepalive() = 0;  // one global request that wants no reply
  // One that wants a reply, which any live server gives at once, whatever else it waits for: a sign of life
  // when a channel open cannot be asked because another is under way. The reply stays in libssh2 and would
  // answer the next listen(): only for sessions that listen no more, and not often. False when it was not
  // sent.
  virtual bool ask() = 0;
  virtual void disconnect() = 0;  // says goodbye into output()

  const Failure& failure() const { return failure_; }

 protected:
  ByteQueue input_, output_;
  Failure failure_;
};

}  // namespace fairlead::ssh
