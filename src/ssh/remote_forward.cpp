#include "ssh/remote_forward.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::ssh {

namespace {
using std::chrono_literals::operator""ms;
constexpr std::size_t kMaxDials = 256;  // targets that do not answer must not pile up descriptors
}  // namespace

RemoteForward::RemoteForward(SessionSite& site, Session& session, const core::Tunnel& tunnel,
                             core::ForwardStatus& counters)
    : site_(site),
      session_(session),
      tunnel_(tunnel),
      counters_(counters),
      hold_timer_(site.loop, "probe-hold", [this] { session_.wake(); }) {}

void RemoteForward::on_accept(ChannelPtr channel) {
  if (!expected_) {
    dial(std::move(channel), {});
    return;
  }
  held_.push_back({std::move(channel), {}, base::steady_now()});
  if (!hold_timer_.active()) hold_timer_.start(site_.timing.client_hold);
}

void RemoteForward::expect(const Nonce& nonce, std::function<void()> crossed) {
  expected_ = nonce;
  crossed_ = std::move(crossed);
  answer_due_.reset();
}

void RemoteForward::nonce_sent(base::Millis round_trip) {
  answer_due_ = base::steady_now() + round_trip;
}

void RemoteForward::expect_nothing() {
  expected_.reset();
  crossed_ = nullptr;
  if (!held_.empty()) session_.wake();
}

base::SteadyTime RemoteForward::hold_end(const Held& held) const {
  return std::max(held.since, answer_due_.value_or(held.since)) + site_.timing.client_hold;
}

RemoteForward::Match RemoteForward::compare(Held& held) {
  while (held.head.size() < expected_->size() && held.channel->readable()) {
    std::array<std::uint8_t, std::tuple_size_v<Nonce>> bytes;
    const auto got = held.channel->read(std::span(bytes).first(expected_->size() - held.head.size()));
    if (got == Channel::kBlocked) break;  // a packet without bytes
    if (got <= 0) return Match::client;   // ended early; the relay meets the same end
    held.head.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(got));
  }
  if (!std::equal(held.head.begin(), held.head.end(), expected_->begin(),
                  [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }))
    return Match::client;
  if (held.head.size() == expected_->size()) return Match::probe;
  return base::steady_now() >= hold_end(held) ? Match::client : Match::undecided;
}

bool RemoteForward::turn() {
  bool moved = false;
  for (auto held = held_.begin(); held != held_.end();) {
    const Match match = expected_ ? compare(*held) : Match::client;
    if (match == Match::undecided) {
      ++held;
      continue;
    }
    Held taken = std::move(*held);
    held = held_.erase(held);
    moved = true;
    if (match == Match::client) {
      dial(std::move(taken.channel), std::move(taken.head));
    } else {
      taken.channel.reset();
      const auto crossed = std::exchange(crossed_, nullptr);
      expected_.reset();
      if (crossed) crossed();
    }
  }
  if (held_.empty())
    hold_timer_.stop();
  else if (!hold_timer_.active())
    hold_timer_.start(
        std::max(1ms, std::chrono::ceil<base::Millis>(hold_end(held_.front()) - base::steady_now())));
  return moved;
}

void RemoteForward::dial(ChannelPtr channel, std::string head) {
  ++counters_.connections;
  counters_.last_activity = base::wall_now();
  if (dials_.size() >= kMaxDials || session_.full()) {
    ++counters_.refused;
    return;  // the channel closes with its owner
  }
  dials_.push_back({std::move(channel), std::move(head), nullptr, nullptr, ActiveCount(counters_)});
  const auto dial = std::prev(dials_.end());
  const core::Endpoint& target = counters_.forward.target;
  if (const auto numeric = loop::Address::numeric(target.host, target.port)) return connect(dial, {*numeric});
  dial->resolving = loop::resolve(site_.loop, target.host, target.port,
                                  [this, dial](base::Result<loop::Addresses> addresses) {
                                    if (!addresses) return give_up(dial, addresses.error());
                                    connect(dial, std::move(*addresses));
                                  });
}

void RemoteForward::connect(std::list<Dial>::iterator dial, loop::Addresses addresses) {
  dial->connecting = std::make_unique<loop::Connector>(
      site_.loop, std::move(addresses), tunnel_.connect_timeout,
      [this, dial](base::Result<base::UniqueFd> fd) {
        if (!fd) return give_up(dial, fd.error());
        Dial done = std::move(*dial);
        dials_.erase(dial);
        session_.join(std::move(done.channel), std::move(*fd), std::move(done.head),
                      core::ForwardKind::remote, counters_);
      });
}

void RemoteForward::give_up(std::list<Dial>::iterator dial, const base::Error& error) {
  ++counters_.refused;
  site_.log.debug("target_refused", {{"tunnel", tunnel_.name},
                                     {"target", core::to_string(counters_.forward.target)},
                                     {"error", error.text()}});
  dials_.erase(dial);
  session_.wake();  // the channel's CLOSE goes out
}

}  // namespace fairlead::ssh
