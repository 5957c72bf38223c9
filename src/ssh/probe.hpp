// A probe's nonce while it is out, and the channel that may bring it back late.
//
// A silent channel cannot be held for ever: it may be a client of a service that speaks first. Once it is let
// go, it may still turn out to be the probe's, held up by packets that were lost. WatchedChannel looks at its
// first bytes: a nonce that comes whole, as servers send it, is swallowed and told to whoever still waits,
// and the stream ends there. Anything else passes untouched, and nothing waits. Loop thread only.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <utility>

#include "ssh/codec.hpp"

namespace fairlead::ssh {

using Nonce = std::array<std::uint8_t, 16>;  // 128 bits: cannot be met by chance

struct Probe {
  Nonce nonce{};
  std::function<void()> crossed;  // null: nobody waits any more
  bool returned = false;          // the nonce has come back; whoever brings it again is a client

  // May end the probe: the caller keeps a reference of its own.
  void come_back() {
    returned = true;
    if (const auto call = std::exchange(crossed, nullptr)) call();
  }
};
using ProbePtr = std::shared_ptr<Probe>;

class WatchedChannel final : public Channel {
 public:
  // `inner` has given no bytes yet.
  WatchedChannel(ChannelPtr inner, ProbePtr probe) : inner_(std::move(inner)), probe_(std::move(probe)) {}

  bool readable() override { return swallowed_ || inner_->readable(); }
  std::ptrdiff_t read(std::span<std::uint8_t> into) override;
  std::size_t window() const override { return swallowed_ ? 0 : inner_->window(); }
  std::ptrdiff_t write(std::span<const std::uint8_t> bytes) override { return inner_->write(bytes); }
  void send_eof() override { inner_->send_eof(); }
  bool closed_by_peer() override { return swallowed_ || inner_->closed_by_peer(); }

 private:
  ChannelPtr inner_;
  ProbePtr probe_;  // null once the first bytes have come
  bool swallowed_ = false;
};

}  // namespace fairlead::ssh
