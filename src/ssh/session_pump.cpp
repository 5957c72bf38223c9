// What moves bytes: socket to codec to channels and back, in turns. A turn runs at most eight rounds, one
// buffer a channel and direction each, so that neither a channel nor a session can starve its neighbours;
// then it asks for another turn.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ssh/session.hpp"

namespace fairlead::ssh {

namespace {
constexpr int kRounds = 8;
// 64 KiB each way: 16 KiB buffers cost a tenth of the throughput, 256 KiB gain nothing, and more than 64 KiB
// waiting ahead of a keystroke is felt (measured; docs/adr/0003). Any read of libssh2 drains our input into
// one list of packets for all channels, bounded in bytes and walked by each read: with the cap on channels
// (kMaxRelays) this keeps that list short.
constexpr std::size_t kInputCap = 64 << 10;
constexpr std::size_t kOutputCap = 64 << 10;
}  // namespace

std::size_t Session::output_room() const {
  const std::size_t used = codec_->output().size();
  return used >= kOutputCap ? 0 : kOutputCap - used;
}

// True when bytes came in. The end of the stream is remembered and acted upon once all before it is consumed.
bool Session::read_socket() {
  ByteQueue& input = codec_->input();
  bool moved = false;
  while (!peer_closed_ && input.size() < kInputCap) {
    const auto room = std::min(site_.scratch.size(), kInputCap - input.size());
    const auto got = ::recv(fd_.get(), site_.scratch.data(), room, 0);
    if (got > 0) {
      input.append(site_.scratch.first(static_cast<std::size_t>(got)));
      bytes_received_ += static_cast<std::uint64_t>(got);
      moved = true;
      if (static_cast<std::size_t>(got) < room)
        break;  // level-triggered: what comes meanwhile is announced again
    } else if (got == 0) {
      peer_closed_ = true;
    } else if (errno == EINTR) {
      continue;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else {
      socket_failed("receive", errno);
      break;
    }
  }
  return moved;
}

bool Session::write_socket() {
  ByteQueue& output = codec_->output();
  bool moved = false;
  while (!output.empty()) {
    const auto bytes = output.front();
    const auto put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      output.consume(static_cast<std::size_t>(put));
      moved = true;
    } else if (errno == EINTR) {
      continue;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else {
      socket_failed("send", errno);
      break;
    }
  }
  return moved;
}

void Session::socket_failed(const char* what, int errno_value) {
  const bool timed_out = errno_value == ETIMEDOUT;  // TCP_USER_TIMEOUT ran out, or retransmission gave up
  const auto reason = timed_out                        ? core::Reason::keepalive_lost
                      : state_ < State::authenticating ? core::Reason::handshake_failed
                                                       : core::Reason::connection_reset;
  fail({reason, std::string(what) + ": " + std::strerror(errno_value)});
}

bool Session::step() {
  switch (state_) {
    case State::loading:
    case State::resolving:
    case State::connecting:
    case State::queued:
    case State::ended:
      return false;
    case State::exchanging:
      return step_exchanging();
    case State::verifying:
      return step_verifying();
    case State::authenticating:
      return step_authenticating();
    case State::listening:
      return step_listening();
    case State::open:
      return step_open();
  }
  return false;
}

void Session::pump() {
  bool again = true;
  for (int round = 0; again && round < kRounds && state_ != State::ended; ++round) {
    again = read_socket();
    while (state_ != State::ended && step()) {
      again = true;
      if (state_ == State::open) break;  // one step a round: the socket has its turn too
    }
    if (state_ == State::ended) break;
    again = write_socket() || again;
  }
  if (state_ == State::ended) return;
  // Input that is left when nothing moved will not be read any more: where no stream and no listener is open,
  // the codec has nobody to read it for.
  if (peer_closed_ && (codec_->input().empty() || !again)) {
    const bool early = state_ < State::authenticating;
    return fail(
        {early ? core::Reason::handshake_failed : core::Reason::connection_closed,
         early ? "the peer closed the connection during the handshake" : "the server closed the connection"});
  }
  if (again) {
    wake();  // others first
  } else {
    codec_->input().release();
    codec_->output().release();
  }
  arm();
}

// What to wait for is asked of our own queues, never of libssh2_session_block_directions(): its OUTBOUND bit
// can be stale, and to poll for writing on that would spin. A channel whose window is shut waits for input
// alone.
void Session::arm() {
  const std::size_t room = output_room();
  for (auto& relay : relays_) relay->arm(room);
  poll_->want(!peer_closed_ && codec_->input().size() < kInputCap, !codec_->output().empty());
}

bool Session::step_open() {
  if (codec_->drain() == Step::failed) return fail(codec_->failure()), true;
  accept_all();
  bool failed = false;
  bool moved = opener_.advance(*codec_, &failed);
  if (failed) return fail(codec_->failure()), true;
  if (state_ != State::open) return true;  // a callback ended us
  moved = handlers_.on_turn() || moved;
  if (state_ != State::open) return true;
  moved = pump_relays() || moved;
  if (codec_->failure().reason != core::Reason::none) return fail(codec_->failure()), true;
  codec_->tidy();
  return moved;
}

void Session::accept_all() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i] == nullptr) continue;
    while (ChannelPtr channel = codec_->accept(listeners_[i])) handlers_.on_accept(i, std::move(channel));
  }
}

bool Session::pump_relays() {
  bool moved = false;
  if (relays_.size() > 1) relays_.splice(relays_.end(), relays_, relays_.begin());  // rotate who comes first
  for (auto relay = relays_.begin(); relay != relays_.end();) {
    moved = (*relay)->pump(site_.scratch, output_room()) || moved;
    if ((*relay)->finished()) {
      relay = relays_.erase(relay);
      moved = true;  // its CLOSE goes out with this round
    } else {
      ++relay;
    }
  }
  return moved;
}

void Session::join(ChannelPtr channel, base::UniqueFd local, std::string head, core::ForwardKind kind,
                   core::ForwardStatus& counters) {
  relays_.push_back(std::make_unique<Relay>(site_.loop, std::move(channel), std::move(local), std::move(head),
                                            kind, counters, [this] { wake(); }));
  wake();
}

void Session::keepalive() {
  if (state_ != State::open) return;
  codec_->keepalive();
  wake();
}

bool Session::ask() {
  if (state_ != State::open || !codec_->ask()) return false;
  wake();
  return true;
}

}  // namespace fairlead::ssh
