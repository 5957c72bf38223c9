#include "ssh/remote_forward.hpp"

#include <algorithm>
#include <utility>

namespace fairlead::ssh {

namespace {
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
constexpr std::size_t kMaxDials = 256;     // targets that do not answer must not pile up descriptors
constexpr base::Millis kMostForLoss = 1s;  // a link that loses much must not make its clients wait for it
}  // namespace

RemoteForward::RemoteForward(SessionSite& site, Session& session, const core::Tunnel& tunnel,
                             core::ForwardStatus& counters)
    : site_(site),
      session_(session),
      tunnel_(tunnel),
      counters_(counters),
      hold_timer_(site.loop, "probe-hold", [this] { session_.wake(); }) {}

void RemoteForward::on_accept(ChannelPtr channel) {
  if (!probe_) {
    dial(std::move(channel), {});
    return;
  }
  held_.push_back({std::move(channel), probe_, {}, base::steady_now()});
  if (!hold_timer_.active()) hold_timer_.start(hold());
}

void RemoteForward::expect(const Nonce& nonce, std::function<void()> crossed) {
  probe_ = std::make_shared<Probe>(Probe{nonce, std::move(crossed)});
  let_one_go_ = false;
  answer_due_.reset();
}

void RemoteForward::nonce_sent(base::Millis round_trip) {
  answer_due_ = base::steady_now() + round_trip;
}

void RemoteForward::expect_nothing() {
  if (probe_) probe_->crossed = nullptr;
  probe_.reset();
  if (!held_.empty()) session_.wake();
}

// A packet that is lost comes one retransmission later than is due: the target must not see a connection for
// that.
base::Millis RemoteForward::hold() const {
  return site_.timing.client_hold + std::min(session_.tcp_state().retransmit_timeout, kMostForLoss);
}

base::SteadyTime RemoteForward::hold_end(const Held& held) const {
  return std::max(held.since, answer_due_.value_or(held.since)) + hold();
}

RemoteForward::Match RemoteForward::compare(Held& held) {
  const Nonce& nonce = held.probe->nonce;
  if (held.probe->returned) return Match::client;
  while (held.head.size() < nonce.size() && held.channel->readable()) {
    Nonce bytes;
    const auto got = held.channel->read(std::span(bytes).first(nonce.size() - held.head.size()));
    if (got == Channel::kBlocked) break;  // a packet without bytes
    if (got <= 0) return Match::client;   // ended early; the relay meets the same end
    held.head.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(got));
  }
  if (!std::equal(held.head.begin(), held.head.end(), nonce.begin(),
                  [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }))
    return Match::client;
  if (held.head.size() == nonce.size()) return Match::probe;
  const bool still_out = held.probe == probe_;
  return still_out && base::steady_now() < hold_end(held) ? Match::undecided : Match::silent;
}

bool RemoteForward::turn() {
  bool moved = false;
  for (auto held = held_.begin(); held != held_.end();) {
    const Match match = compare(*held);
    if (match == Match::undecided) {
      ++held;
      continue;
    }
    Held taken = std::move(*held);
    held = held_.erase(held);
    moved = true;
    if (match == Match::probe) {
      taken.channel.reset();
      if (taken.probe == probe_) probe_.reset();
      taken.probe->come_back();
      continue;
    }
    if (match == Match::silent) {
      let_one_go_ = true;
      if (taken.head.empty())
        taken.channel = std::make_unique<WatchedChannel>(std::move(taken.channel), std::move(taken.probe));
    }
    dial(std::move(taken.channel), std::move(taken.head));
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
