// Joins one SSH channel with one local socket and moves bytes both ways until both ends are done.
//
// Back-pressure is ours: the local socket is not read while the session's output is full or the peer's window
// is shut; the channel is not read (so its window is not re-opened) while the local side is slow. An idle
// relay holds no buffer: bytes pass through a scratch buffer of the session, and only what the local side
// would not take is kept.
//
// Owned by its Session. pump() is called by the session only. `wake` asks the session for a pump, later.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "core/config.hpp"
#include "core/status.hpp"
#include "loop/loop.hpp"
#include "loop/poll.hpp"
#include "ssh/active_count.hpp"
#include "ssh/codec.hpp"

namespace fairlead::ssh {

class Relay {
 public:
  // `head`: bytes already read from the channel; they reach the local socket first.
  // `counters` outlives the relay. For a remote forward the local socket leads to the target, for a local one
  // the channel does: `kind` says which way the bytes count.
  Relay(loop::Loop& loop, ChannelPtr channel, base::UniqueFd local, std::string head, core::ForwardKind kind,
        core::ForwardStatus& counters, std::function<void()> wake);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Moves at most one scratch buffer each way. `output_room`: bytes the session's output queue may still
  // take. True when anything moved. False with finished() when both sides are done, or the channel failed.
  bool pump(std::span<std::uint8_t> scratch, std::size_t output_room);
  bool finished() const { return finished_; }
  // Asks for the events that can make pump() go on; called once after a turn's last pump, when not
  // finished().
  void arm(std::size_t output_room);
  // The session is gone: what the client has may be incomplete, so it gets a reset and not a clean end.
  void abort();

 private:
  bool channel_to_local(std::span<std::uint8_t> scratch);
  bool local_to_channel(std::span<std::uint8_t> scratch, std::size_t output_room);
  void write_local(std::span<const std::uint8_t> bytes);
  void flush_local();
  void settle();
  void count(bool from_channel, std::size_t bytes);

  ChannelPtr channel_;
  base::UniqueFd local_;
  std::string unsent_;  // from the channel, not yet taken by the local socket
  core::ForwardKind kind_;
  core::ForwardStatus& counters_;
  ActiveCount active_;
  std::function<void()> wake_;
  loop::Poll poll_;
  bool local_readable_ = true;  // until a read says otherwise
  bool local_ended_ = false;    // end of file from the local side, EOF sent to the peer
  bool channel_ended_ = false;  // end of stream from the peer
  bool local_shut_ = false;     // told the local side so
  bool local_deaf_ = false;     // takes nothing more; what it has sent may still wait in its socket
  bool crossed_in_ = false;     // data went each way: the proof `traffic`
  bool crossed_out_ = false;
  bool finished_ = false;
};

}  // namespace fairlead::ssh
