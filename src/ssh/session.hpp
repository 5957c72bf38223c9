// One SSH connection, from its first look at the key file to its last byte: a step machine on the loop. It
// owns the socket, the codec, every channel and every local socket that belongs to it; when it ends, they all
// end.
//
//   loading → resolving → connecting (→ queued) → exchanging → verifying → authenticating → listening → open
//   → (ended)
//
// Every state but open has a deadline; open is guarded by TCP_USER_TIMEOUT and by the prover's round trips.
// Owner: a Tunnel, one at a time. Callbacks come from the loop, never from inside a call into the session,
// and may destroy it. docs/states/tunnel.md has the table of what each failure is called.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.hpp"
#include "core/config.hpp"
#include "core/status.hpp"
#include "loop/connector.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"
#include "ssh/channel_opener.hpp"
#include "ssh/codec.hpp"
#include "ssh/materials.hpp"
#include "ssh/relay.hpp"
#include "ssh/timing.hpp"

namespace fairlead::ssh {

// What every session of a process shares.
struct SessionSite {
  loop::Loop& loop;
  base::Log& log;
  std::span<std::uint8_t> scratch;  // one buffer a direction, used within a turn only
  std::function<std::unique_ptr<Codec>(int socket)> make_codec;
  Timing timing{};
};

class Session {
 public:
  enum class State : std::uint8_t {
    loading,
    resolving,
    connecting,
    queued,  // connected, and kept from the handshake
    exchanging,
    verifying,
    authenticating,
    listening,
    open,
    ended,
  };

  struct Handlers {
    // The TCP connection stands. False keeps the handshake back until shake_hands(). May be null.
    std::function<bool()> on_connected;
    std::function<void()> on_open;          // every remote listener is granted
    std::function<void(Failure)> on_ended;  // once; the session does nothing more
    // A connection arrived on the listener of forwards[index]; called from the pump, in turn with the relays.
    std::function<void(std::size_t index, ChannelPtr)> on_accept;
    // Every turn while open, before the relays move: true when it did something that may let others go on.
    std::function<bool()> on_turn;
  };

  Session(SessionSite& site, std::shared_ptr<const core::Tunnel> tunnel, Handlers handlers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  State state() const { return state_; }
  const HostKey& host_key() const { return host_key_; }
  std::string algorithms() const { return codec_ ? codec_->algorithms() : std::string(); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  loop::TcpState tcp_state() const { return loop::tcp_state(fd_.get()); }

  void shake_hands();  // when queued: go on

  // --- while open ---
  ChannelOpener& opener() { return opener_; }
  // Takes over a channel and a connected local socket; see Relay.
  void join(ChannelPtr channel, base::UniqueFd local, std::string head, core::ForwardKind kind,
            core::ForwardStatus& counters);
  bool full() const { return relays_.size() >= kMaxRelays; }
  void wake() { pump_.schedule(); }
  void keepalive();
  bool ask();  // for a sign of life; see Codec
  // Says goodbye and ends at once, without on_ended. Local sockets get what the kernel already has.
  void close();
  // Ends it as if the transport had failed.
  void fail(Failure failure);

 private:
  // Caps what an unfriendly peer can make us hold, and libssh2 walk through.
  static constexpr std::size_t kMaxRelays = 4096;

  void enter(State next);
  void on_deadline();
  void on_loaded(Materials materials);
  void on_resolved(base::Result<loop::Addresses> addresses);
  void on_connected(base::Result<base::UniqueFd> fd);
  void on_recorded(Failure failure);

  void pump();
  bool step();  // true when the state advanced
  bool step_exchanging();
  bool step_verifying();
  Failure other_host_key_type(const std::string& shown) const;
  bool step_authenticating();
  bool step_listening();
  bool step_open();
  void accept_all();
  bool pump_relays();

  bool read_socket();
  bool write_socket();
  void socket_failed(const char* what, int errno_value);
  std::size_t output_room() const;
  void arm();

  SessionSite& site_;
  std::shared_ptr<const core::Tunnel> tunnel_;
  Handlers handlers_;
  State state_ = State::loading;
  loop::Timer deadline_;
  loop::Deferred pump_;
  loop::Deferred ended_;
  Failure failure_;

  std::unique_ptr<loop::Work> work_;  // loading, resolving or recording
  std::unique_ptr<loop::Connector> connector_;
  Materials materials_;
  HostKey host_key_;

  base::UniqueFd fd_;
  std::unique_ptr<loop::Poll> poll_;
  bool peer_closed_ = false;
  std::uint64_t bytes_received_ = 0;
  std::unique_ptr<Codec> codec_;  // dies before fd_, after everything below

  std::vector<Listener*> listeners_;  // by forward index; null for local forwards
  ChannelOpener opener_;
  std::list<std::unique_ptr<Relay>> relays_;
};

std::string_view to_string(Session::State state);

}  // namespace fairlead::ssh
