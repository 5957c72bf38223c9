#include "ssh/relay.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loop/address.hpp"

namespace fairlead::ssh {

Relay::Relay(loop::Loop& loop, ChannelPtr channel, base::UniqueFd local, std::string head,
             core::ForwardKind kind, core::ForwardStatus& counters, std::function<void()> wake)
    : channel_(std::move(channel)),
      local_(std::move(local)),
      unsent_(std::move(head)),
      kind_(kind),
      counters_(counters),
      active_(counters),
      wake_(std::move(wake)),
      poll_(loop, "relay", local_.get(), [this](loop::Ready ready) {
        local_readable_ = local_readable_ || ready.read;
        wake_();  // the pump runs before the next poll, so a level-triggered event is not seen twice
      }) {
  loop::set_no_delay(local_.get());
  if (!unsent_.empty()) count(true, unsent_.size());
}

void Relay::abort() {
  loop::set_reset_on_close(local_.get());
  finished_ = true;
}

void Relay::count(bool from_channel, std::size_t bytes) {
  const bool to_target = from_channel == (kind_ == core::ForwardKind::remote);
  (to_target ? counters_.bytes_to_target : counters_.bytes_from_target) += bytes;
  counters_.last_activity = base::wall_now();
  (from_channel ? crossed_in_ : crossed_out_) = true;
  if (crossed_in_ && crossed_out_ && counters_.proof == core::Proof::none)
    counters_.proof = core::Proof::traffic;
}

// A local side that has closed may have answered before (an HTTP 413 to a body that it did not read): what
// the channel brings is dropped from now on, and the answer is read until its end or an error.
void Relay::write_local(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto put = ::send(local_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    } else if (put < 0 && errno == EINTR) {
      continue;
    } else if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else {
      local_deaf_ = local_readable_ = true;
      return;
    }
  }
  unsent_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Relay::flush_local() {
  if (unsent_.empty()) return;
  const std::string waiting = std::exchange(unsent_, {});
  write_local({reinterpret_cast<const std::uint8_t*>(waiting.data()), waiting.size()});
}

bool Relay::channel_to_local(std::span<std::uint8_t> scratch) {
  flush_local();
  if (finished_ || !unsent_.empty() || channel_ended_ || !channel_->readable()) return false;
  const auto got = channel_->read(scratch);
  if (got == Channel::kFailed) finished_ = true;
  if (got == 0) channel_ended_ = true;
  if (got <= 0) return got == 0;
  if (local_deaf_) return true;
  const auto bytes = scratch.first(static_cast<std::size_t>(got));
  count(true, bytes.size());
  write_local(bytes);
  return true;
}

bool Relay::local_to_channel(std::span<std::uint8_t> scratch, std::size_t output_room) {
  if (finished_ || local_ended_ || !local_readable_) return false;
  const std::size_t room = std::min({scratch.size(), output_room, channel_->window()});
  if (room == 0) return false;
  const auto got = ::recv(local_.get(), scratch.data(), room, 0);
  if (got < 0) {
    if (errno == EINTR) return true;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      local_readable_ = false;
    else
      finished_ = true;  // reset: SSH has no word for it, closing the channel is the nearest
    return false;
  }
  if (got == 0) {
    local_ended_ = true;
    channel_->send_eof();
    return true;
  }
  if (static_cast<std::size_t>(got) < room)
    local_readable_ = false;  // spares the read that would find nothing
  auto bytes = scratch.first(static_cast<std::size_t>(got));
  count(false, bytes.size());
  while (!bytes.empty()) {  // within the window and our own output cap, so it cannot block
    const auto put = channel_->write(bytes);
    if (put <= 0) {
      finished_ = true;  // the peer closed the channel, or the session failed
      return true;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

// Ends what has ended. A CLOSE of the peer is invisible to a writer, so it is asked for here.
void Relay::settle() {
  if (local_deaf_ && local_ended_) finished_ = true;
  if (finished_ || !channel_ended_ || !unsent_.empty()) return;
  if (!local_shut_) {
    local_shut_ = true;
    ::shutdown(local_.get(), SHUT_WR);
  }
  if (local_ended_ || channel_->closed_by_peer()) finished_ = true;
}

bool Relay::pump(std::span<std::uint8_t> scratch, std::size_t output_room) {
  const bool in = channel_to_local(scratch);
  const bool out = local_to_channel(scratch, output_room);
  settle();
  return in || out;
}

void Relay::arm(std::size_t output_room) {
  const bool can_take = !local_ended_ && output_room > 0 && channel_->window() > 0;
  poll_.want(can_take, !unsent_.empty());
}

}  // namespace fairlead::ssh
