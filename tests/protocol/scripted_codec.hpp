// A codec without SSH: the test says what the server answers, and sees what it was asked. The session owns
// the codec; the test keeps the Script, which outlives it.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ssh/codec.hpp"

namespace fairlead::test {

// The peer's end of one channel.
struct Wire {
  std::string to_us;    // the peer has sent it, we have not read it
  std::string from_us;  // we wrote it
  bool peer_eof = false;
  bool peer_closed = false;
  bool broken = false;  // the session's transport failed under it
  std::size_t window = 2 << 20;
  bool our_eof = false;
  bool released = false;  // our end is gone: CLOSE would be sent
  int reads = 0;
};
using WirePtr = std::shared_ptr<Wire>;

class ScriptedChannel final : public ssh::Channel {
 public:
  explicit ScriptedChannel(WirePtr wire) : wire_(std::move(wire)) {}
  ~ScriptedChannel() override { wire_->released = true; }

  bool readable() override { return !wire_->to_us.empty() || wire_->peer_eof || wire_->broken; }
  std::ptrdiff_t read(std::span<std::uint8_t> into) override {
    ++wire_->reads;
    if (wire_->broken) return kFailed;
    const auto count = std::min(into.size(), wire_->to_us.size());
    if (count == 0) return wire_->peer_eof ? 0 : kBlocked;
    std::copy_n(wire_->to_us.begin(), count, into.begin());
    wire_->to_us.erase(0, count);
    return static_cast<std::ptrdiff_t>(count);
  }
  std::size_t window() const override { return wire_->window; }
  std::ptrdiff_t write(std::span<const std::uint8_t> bytes) override {
    if (wire_->broken) return kFailed;
    const auto count = wire_->peer_closed ? 0 : std::min(bytes.size(), wire_->window);
    if (count == 0) return kBlocked;
    wire_->from_us.append(reinterpret_cast<const char*>(bytes.data()), count);
    wire_->window -= count;
    return static_cast<std::ptrdiff_t>(count);
  }
  void send_eof() override { wire_->our_eof = true; }
  bool closed_by_peer() override { return wire_->peer_closed; }

 private:
  WirePtr wire_;
};

struct Script {
  struct Opened {
    std::optional<core::Endpoint> target;  // empty: a bare session channel
    WirePtr wire;                          // null: it was refused
  };
  // What a channel open is answered; nothing: no answer yet. Asked on every turn until it answers.
  std::function<std::optional<ssh::OpenResult>(const core::Endpoint* target)> answer =
      [](const core::Endpoint*) { return ssh::OpenResult::opened; };
  std::vector<Opened> opened;  // in order of the answers
  int opens_under_way = 0;     // an open was asked for and has no answer

  std::vector<core::Endpoint> listening;
  std::set<std::uint16_t> refused_ports;
  std::deque<std::pair<std::uint16_t, WirePtr>> arriving;  // (listening port, the new channel)

  ssh::HostKey host_key{"ssh-ed25519",
                        {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 1}};
  std::optional<ssh::Failure> broken;  // what drain() reports from now on
  std::string received;                // bytes of the socket
  bool reads = true;                   // drain() has somebody to read for
  int keepalives = 0;
  int asks = 0;
  bool said_goodbye = false;
  bool alive = true;  // the codec exists

  // A client connects to what listens on `port` at the server.
  WirePtr connect(std::uint16_t port, std::string first_bytes = {}) {
    auto wire = std::make_shared<Wire>();
    wire->to_us = std::move(first_bytes);
    arriving.emplace_back(port, wire);
    return wire;
  }
};
using ScriptPtr = std::shared_ptr<Script>;

class ScriptedCodec final : public ssh::Codec {
 public:
  explicit ScriptedCodec(ScriptPtr script) : script_(std::move(script)) {}
  ~ScriptedCodec() override { script_->alive = false; }

  ssh::Step handshake(const std::vector<std::string>&) override { return ssh::Step::done; }
  ssh::HostKey host_key() const override { return script_->host_key; }
  std::string algorithms() const override { return "scripted"; }
  ssh::Step authenticate(const ssh::Credentials&) override { return ssh::Step::done; }

  ssh::Step listen(const core::Endpoint& endpoint, ssh::Listener** listener) override {
    *listener = nullptr;
    if (script_->refused_ports.contains(endpoint.port)) return ssh::Step::done;
    script_->listening.push_back(endpoint);
    listeners_.push_back(std::make_unique<PortListener>(endpoint.port));
    *listener = listeners_.back().get();
    return ssh::Step::done;
  }
  ssh::ChannelPtr accept(ssh::Listener* listener) override {
    auto& arriving = script_->arriving;
    const auto port = static_cast<PortListener*>(listener)->port;
    const auto found = std::find_if(arriving.begin(), arriving.end(),
                                    [port](const auto& entry) { return entry.first == port; });
    if (found == arriving.end()) return nullptr;
    auto channel = std::make_unique<ScriptedChannel>(found->second);
    arriving.erase(found);
    return channel;
  }
  ssh::Step open(const core::Endpoint* target, ssh::ChannelPtr* channel, ssh::OpenResult* result) override {
    script_->opens_under_way = 1;
    const auto answer = script_->answer(target);
    if (!answer) return ssh::Step::again;
    script_->opens_under_way = 0;
    WirePtr wire;
    if (*answer == ssh::OpenResult::opened) {
      wire = std::make_shared<Wire>();
      *channel = std::make_unique<ScriptedChannel>(wire);
    }
    script_->opened.push_back({target ? std::optional(*target) : std::nullopt, wire});
    *result = *answer;
    return ssh::Step::done;
  }
  ssh::Step drain() override {
    if (!script_->reads) return ssh::Step::done;
    const auto bytes = input_.front();
    script_->received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    input_.consume(bytes.size());
    if (!script_->broken) return ssh::Step::done;
    failure_ = *script_->broken;
    return ssh::Step::failed;
  }
  void tidy() override {}
  void keepalive() override { ++script_->keepalives; }
  bool ask() override { return ++script_->asks > 0; }
  void disconnect() override { script_->said_goodbye = true; }

 private:
  struct PortListener final : ssh::Listener {
    explicit PortListener(std::uint16_t number) : port(number) {}
    std::uint16_t port;
  };
  ScriptPtr script_;
  std::vector<std::unique_ptr<PortListener>> listeners_;
};

}  // namespace fairlead::test
