// A forward whose listener is on the server (ssh -R): takes its connections, tells a probe's from a client's,
// and joins the clients' with the target.
//
// While a probe is outstanding, the first bytes of newly accepted channels are compared with its nonce; a
// channel that differs is passed on untouched with all it has sent. One that stays silent for longer than a
// lost packet takes to be sent again is passed on too, and watched (probe.hpp). So nothing of a probe reaches
// the target, and nothing of a client is lost. Owned by the Line; dies before the session.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "core/config.hpp"
#include "core/status.hpp"
#include "loop/connector.hpp"
#include "loop/timer.hpp"
#include "loop/work.hpp"
#include "ssh/active_count.hpp"
#include "ssh/probe.hpp"
#include "ssh/session.hpp"

namespace fairlead::ssh {

class RemoteForward {
 public:
  RemoteForward(SessionSite& site, Session& session, const core::Tunnel& tunnel,
                core::ForwardStatus& counters);
  RemoteForward(const RemoteForward&) = delete;
  RemoteForward& operator=(const RemoteForward&) = delete;

  void on_accept(ChannelPtr channel);
  // Looks at the held channels; called every turn. True when one of them went on.
  bool turn();

  // From now on a channel that begins with `nonce` is the probe's: it is closed and `crossed` is called,
  // while the session pumps.
  void expect(const Nonce& nonce, std::function<void()> crossed);
  // The nonce has left; its channel took `round_trip` to open, so the answer takes about as long.
  void nonce_sent(base::Millis round_trip);
  // The probe is over: whoever is held goes on.
  void expect_nothing();
  // Since expect(), a channel that said nothing was passed on: it may have been the probe's, and is perhaps
  // closed by now. That the nonce has not come back then says nothing of the forward.
  bool let_one_go() const { return let_one_go_; }

 private:
  struct Held {
    ChannelPtr channel;
    ProbePtr probe;    // was out when it came
    std::string head;  // what it has sent so far
    base::SteadyTime since;
  };
  struct Dial {
    ChannelPtr channel;
    std::string head;
    std::unique_ptr<loop::Work> resolving;
    std::unique_ptr<loop::Connector> connecting;
    ActiveCount count;
  };
  enum class Match : std::uint8_t { undecided, probe, client, silent };
  Match compare(Held& held);
  base::Millis hold() const;
  base::SteadyTime hold_end(const Held& held) const;
  void dial(ChannelPtr channel, std::string head);
  void connect(std::list<Dial>::iterator dial, loop::Addresses addresses);
  void give_up(std::list<Dial>::iterator dial, const base::Error& error);

  SessionSite& site_;
  Session& session_;
  const core::Tunnel& tunnel_;
  core::ForwardStatus& counters_;
  ProbePtr probe_;  // null: none is out
  bool let_one_go_ = false;
  std::optional<base::SteadyTime> answer_due_;  // when the nonce should have come back
  std::list<Held> held_;
  std::list<Dial> dials_;
  loop::Timer hold_timer_;
};

}  // namespace fairlead::ssh
